{{/* postback.yaml, with what the chart knows better than the operator. */}}
{{- define "postback.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- $_ := set $settings.kafka "client" (include "postback.kafkaClient" . | fromYaml) -}}
{{- $_ := set $settings "profiles" (include "postback.profilesFolder" .) -}}
{{- $schemas := default dict $settings.schemas -}}
{{- if .Values.schemasConfigMap -}}
{{- $schemas = merge (dict "folder" "/schemas") $schemas -}}
{{- end -}}
{{- with .Values.registry -}}
{{- if .existingSecret -}}
{{- $username := printf "${file:/registry/%s}" .usernameKey -}}
{{- $password := printf "${file:/registry/%s}" .passwordKey -}}
{{- $schemas = merge (dict "registry_username" $username "registry_password" $password) $schemas -}}
{{- end -}}
{{- end -}}
{{- if $schemas -}}
{{- $_ := set $settings "schemas" $schemas -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{- define "postback.profilesFolder" -}}
{{- if and (eq .Values.profiles.from "sidecar") .Values.profiles.sidecarFolder -}}
/profiles/{{ .Values.profiles.sidecarFolder }}
{{- else -}}
/profiles
{{- end -}}
{{- end -}}

{{/* A file for each profile: a text as it is; else the profile, whose name is the key where it gives none. */}}
{{- define "postback.profiles" -}}
{{- range $key, $profile := .Values.profiles.values }}
{{- if kindIs "string" $profile }}
{{ $key }}.yaml: {{ toJson $profile }}
{{- else }}
{{ $key }}.yaml: |
  {{- toYaml (merge (dict "name" (default $key $profile.name)) $profile) | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "postback.profilesConfigMap" -}}
{{- if eq .Values.profiles.from "configMap" -}}
{{- .Values.profiles.existingConfigMap -}}
{{- else -}}
{{- include "postback.fullname" . }}-profiles
{{- end -}}
{{- end -}}

{{/*
kafka.client: the properties from the values, which win, and those of SASL, TLS and static membership. Secrets are read
by the program from mounted files, so they stand in no object and no variable, and any character is safe in them.
*/}}
{{- define "postback.kafkaClient" -}}
{{- $kafka := .Values.kafka -}}
{{- $client := default dict .Values.settings.kafka.client | deepCopy -}}
{{- $sasl := ne $kafka.sasl.mechanism "" -}}
{{- if or $sasl $kafka.tls.enabled -}}
{{- $protocol := printf "%s%s" (ternary "SASL_" "" $sasl) (ternary "SSL" "PLAINTEXT" $kafka.tls.enabled) -}}
{{- $client = merge $client (dict "security.protocol" $protocol) -}}
{{- end -}}
{{- if $sasl -}}
{{- $username := printf "${file:/kafka-sasl/%s}" $kafka.sasl.usernameKey -}}
{{- $password := printf "${file:/kafka-sasl/%s}" $kafka.sasl.passwordKey -}}
{{- $client = merge $client (dict "sasl.mechanism" $kafka.sasl.mechanism "sasl.username" $username "sasl.password" $password) -}}
{{- end -}}
{{- if and $kafka.tls.enabled $kafka.tls.existingSecret -}}
{{- range $property, $key := dict "ssl.ca.location" $kafka.tls.caKey "ssl.certificate.location" $kafka.tls.certKey "ssl.key.location" $kafka.tls.keyKey -}}
{{- if $key -}}
{{- $client = merge $client (dict $property (printf "/kafka-tls/%s" $key)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .Values.staticMembership -}}
{{- $client = merge $client (dict "group.instance.id" "${env:POD_NAME}") -}}
{{- end -}}
{{- toYaml $client -}}
{{- end -}}
