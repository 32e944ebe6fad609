{{/* What a schema cannot say, because it compares two values. */}}
{{- define "postback.validate" -}}
{{- $settings := .Values.settings -}}
{{- if not $settings.kafka.bootstrap_servers -}}
{{- fail "settings.kafka.bootstrap_servers is missing: give the address of your Kafka, for example --set settings.kafka.bootstrap_servers=kafka.kafka:9092" -}}
{{- end -}}
{{- if not $settings.sources -}}
{{- fail "settings.sources is empty: name at least one topic to read, for example --set settings.sources[0].topic=orders" -}}
{{- end -}}
{{- $least := addf $settings.shutdown_seconds 10 -}}
{{- if lt (float64 .Values.terminationGracePeriodSeconds) $least -}}
{{- fail (printf "terminationGracePeriodSeconds is %v, but settings.shutdown_seconds is %v: give at least %v, or deliveries that were answered are killed before they are committed, and sent again" .Values.terminationGracePeriodSeconds $settings.shutdown_seconds $least) -}}
{{- end -}}
{{- if or (not (regexMatch "^(0[.]0[.]0[.]0|\\[::\\])?:[1-9][0-9]{0,4}$" $settings.web.address)) (gt (include "postback.port" . | int) 65535) -}}
{{- fail (printf "settings.web.address is %s: give 0.0.0.0 or [::] and a port from 1 to 65535, for example 0.0.0.0:9108, or neither probes nor Prometheus reach the pod" $settings.web.address) -}}
{{- end -}}
{{- include "postback.validateRoles" . -}}
{{- include "postback.validateSources" . -}}
{{- include "postback.validateMonitoring" . -}}
{{- end -}}

{{- define "postback.validateRoles" -}}
{{- $partitions := int .Values.settings.kafka.partitions -}}
{{- range $role := splitList "," (include "postback.roles" .) -}}
{{- $own := get $.Values $role -}}
{{- $key := ternary "autoscaling.maxReplicas" "replicas" $own.autoscaling.enabled -}}
{{- $most := int (ternary $own.autoscaling.maxReplicas $own.replicas $own.autoscaling.enabled) -}}
{{- if gt $most $partitions -}}
{{- fail (printf "%s.%s is %d, but settings.kafka.partitions is %d: the pods above that would have nothing to do" $role $key $most $partitions) -}}
{{- end -}}
{{- if $own.autoscaling.enabled -}}
{{- if not $.Values.autoscaling.prometheusUrl -}}
{{- fail (printf "%s.autoscaling.enabled needs autoscaling.prometheusUrl: KEDA asks Prometheus for the records that are due" $role) -}}
{{- end -}}
{{- if lt (int $own.autoscaling.maxReplicas) (int $own.autoscaling.minReplicas) -}}
{{- fail (printf "%s.autoscaling.maxReplicas is below minReplicas" $role) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "postback.validateSources" -}}
{{- with .Values.profiles -}}
{{- if and (eq .from "configMap") (not .existingConfigMap) -}}
{{- fail "profiles.from is configMap: name it in profiles.existingConfigMap" -}}
{{- end -}}
{{- if and (eq .from "sidecar") (not .sidecar.image) -}}
{{- fail "profiles.from is sidecar: describe the container in profiles.sidecar, at least its image" -}}
{{- end -}}
{{- if and (ne .from "values") .values -}}
{{- fail (printf "profiles.values is not empty, but profiles.from is %s: nobody would read them" .from) -}}
{{- end -}}
{{- end -}}
{{- with .Values.kafka.sasl -}}
{{- if and .mechanism (not .existingSecret) -}}
{{- fail "kafka.sasl.mechanism needs kafka.sasl.existingSecret, a Secret with user name and password" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.topicsJob.enabled (eq .Values.profiles.from "sidecar") -}}
{{- fail "topicsJob cannot see the profiles of a sidecar, so it would miss their window topics: leave topicsJob.enabled false and settings.kafka.create_topics true" -}}
{{- end -}}
{{- end -}}

{{- define "postback.validateMonitoring" -}}
{{- $giveUp := dig "retry" "give_up_after_hours" nil .Values.settings -}}
{{- $alert := default dict .Values.monitoring.rules.alerts.oldestRetry -}}
{{- if and $giveUp $alert.enabled (le (float64 $giveUp) (float64 $alert.hours)) -}}
{{- fail (printf "monitoring.rules.alerts.oldestRetry.hours is %v, but settings.retry.give_up_after_hours is %v: what is given up before can never raise that alert; lower the hours or disable it" $alert.hours $giveUp) -}}
{{- end -}}
{{- end -}}
