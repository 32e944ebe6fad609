{{/* postback.yaml. kafka.client is not in it: it holds secrets and the pod's name, and comes by the environment. */}}
{{- define "postback.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- $_ := set $settings.kafka "client" dict -}}
{{- $_ := set $settings "profiles" (include "postback.profilesFolder" .) -}}
{{- if .Values.schemasConfigMap -}}
{{- $_ := set $settings "schemas" (merge (dict "folder" "/schemas") (default dict $settings.schemas)) -}}
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

{{/* A file for each profile; its name is the key where the profile gives none. */}}
{{- define "postback.profiles" -}}
{{- range $key, $profile := .Values.profiles.values }}
{{ $key }}.yaml: |
  {{- toYaml (merge (dict "name" (default $key $profile.name)) $profile) | nindent 2 }}
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
The value of POSTBACK_KAFKA__CLIENT, which is read as YAML: the properties from the values, then those of SASL, TLS and
static membership. Takes root and member (whether this pod keeps a membership).
*/}}
{{- define "postback.kafkaClient" -}}
{{- $kafka := .root.Values.kafka -}}
{{- $client := deepCopy .root.Values.settings.kafka.client -}}
{{- $sasl := ne $kafka.sasl.mechanism "" -}}
{{- if or $sasl $kafka.tls.enabled -}}
{{- $protocol := printf "%s%s" (ternary "SASL_" "" $sasl) (ternary "SSL" "PLAINTEXT" $kafka.tls.enabled) -}}
{{- $client = merge $client (dict "security.protocol" $protocol) -}}
{{- end -}}
{{- if $sasl -}}
{{- $client = merge $client (dict "sasl.mechanism" $kafka.sasl.mechanism) -}}
{{- end -}}
{{- if and $kafka.tls.enabled $kafka.tls.existingSecret -}}
{{- range $property, $key := dict "ssl.ca.location" $kafka.tls.caKey "ssl.certificate.location" $kafka.tls.certKey "ssl.key.location" $kafka.tls.keyKey -}}
{{- if $key -}}
{{- $client = merge $client (dict $property (printf "/kafka-tls/%s" $key)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- /* A $( of the user's stays what it is; ours are filled in by the kubelet. */ -}}
{{- if $client }}
{{- toYaml $client | replace "$(" "$$(" }}
{{- end }}
{{- /* Block scalars: a password may hold quotes, colons and anything else but a line end. */ -}}
{{- if $sasl }}
sasl.username: |2-
  $(KAFKA_USERNAME)
sasl.password: |2-
  $(KAFKA_PASSWORD)
{{- end }}
{{- if .member }}
group.instance.id: $(POD_NAME)
{{- end }}
{{- end -}}
