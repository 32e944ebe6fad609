{{/* Environment of every container that runs `postback`. */}}
{{- define "postback.env" -}}
{{- $values := .Values -}}
- name: POSTBACK_CONFIG
  value: /etc/postback/postback.yaml
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- range $values.secretEnv }}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ .secret | quote }}, key: {{ .key | quote }}}}
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "postback.volumeMounts" -}}
- {name: settings, mountPath: /etc/postback, readOnly: true}
- {name: profiles, mountPath: /profiles, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- if .Values.kafka.sasl.mechanism }}
- {name: kafka-sasl, mountPath: /kafka-sasl, readOnly: true}
{{- end }}
{{- if and .Values.kafka.tls.enabled .Values.kafka.tls.existingSecret }}
- {name: kafka-tls, mountPath: /kafka-tls, readOnly: true}
{{- end }}
{{- if .Values.registry.existingSecret }}
- {name: registry, mountPath: /registry, readOnly: true}
{{- end }}
{{- if .Values.schemasConfigMap }}
- {name: schemas, mountPath: /schemas, readOnly: true}
{{- end }}
{{- range $index, $secret := .Values.secretFiles }}
- {name: secret-{{ $index }}, mountPath: {{ printf "/secrets/%s" $secret | quote }}, readOnly: true}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Takes root, settings and profiles (names of ConfigMaps). */}}
{{- define "postback.volumes" -}}
{{- $values := .root.Values -}}
- name: settings
  configMap: {name: {{ .settings }}}
- name: profiles
{{- if eq $values.profiles.from "sidecar" }}
  emptyDir: {sizeLimit: 64Mi}
{{- else }}
  configMap: {name: {{ .profiles | quote }}}
{{- end }}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- if $values.kafka.sasl.mechanism }}
- name: kafka-sasl
  secret: {secretName: {{ $values.kafka.sasl.existingSecret | quote }}}
{{- end }}
{{- with $values.registry.existingSecret }}
- name: registry
  secret: {secretName: {{ . | quote }}}
{{- end }}
{{- if and $values.kafka.tls.enabled $values.kafka.tls.existingSecret }}
- name: kafka-tls
  secret: {secretName: {{ $values.kafka.tls.existingSecret | quote }}}
{{- end }}
{{- with $values.schemasConfigMap }}
- name: schemas
  configMap: {name: {{ . | quote }}}
{{- end }}
{{- range $index, $secret := $values.secretFiles }}
- name: secret-{{ $index }}
  secret: {secretName: {{ $secret | quote }}}
{{- end }}
{{- with $values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A container but for name, command and probes. */}}
{{- define "postback.container" -}}
image: {{ include "postback.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {{- toYaml .Values.securityContext | nindent 2 }}
env: {{- include "postback.env" . | nindent 2 }}
volumeMounts: {{- include "postback.volumeMounts" . | nindent 2 }}
{{- end -}}

{{/* What every pod has in common. */}}
{{- define "postback.podBasics" -}}
automountServiceAccountToken: false
# A Service called postback would give every pod variables that begin with POSTBACK_, and those are settings.
enableServiceLinks: false
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* The container that fills /profiles: started before the service, ended after it. */}}
{{- define "postback.sidecar" -}}
{{- $mounts := concat (list (dict "name" "profiles" "mountPath" "/profiles")) (default list .Values.profiles.sidecar.volumeMounts) -}}
{{- $fixed := dict "restartPolicy" "Always" "volumeMounts" $mounts -}}
{{- $defaults := dict "name" "profiles" "securityContext" .Values.securityContext -}}
{{- toYaml (list (mergeOverwrite $defaults (deepCopy .Values.profiles.sidecar) $fixed)) -}}
{{- end -}}

{{/* Takes root and role. */}}
{{- define "postback.topologySpread" -}}
{{- if kindIs "slice" .root.Values.topologySpreadConstraints -}}
{{- toYaml .root.Values.topologySpreadConstraints -}}
{{- else -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "postback.selectorLabels" $.root | nindent 6 }}
      app.kubernetes.io/component: {{ $.role }}
{{- end }}
{{- end -}}
{{- end -}}
