{{/* Whether objects of the Prometheus operator are made; empty when not. */}}
{{- define "postback.monitored" -}}
{{- $enabled := .Values.monitoring.enabled -}}
{{- if eq (toString $enabled) "auto" -}}
{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" -}}yes{{- end -}}
{{- else if $enabled -}}yes{{- end -}}
{{- end -}}

{{/* Matchers of this release's series: the monitors below give the job this name. */}}
{{- define "postback.series" -}}
{{- default (printf "namespace=%q,job=%q" .Release.Namespace (include "postback.fullname" .)) .Values.monitoring.selector -}}
{{- end -}}

{{/* Matcher of source topics, one by one: they may have the prefix of the program's own. */}}
{{- define "postback.sourceTopics" -}}
{{- $names := list -}}
{{- range .Values.settings.sources -}}
{{- $names = append $names (regexQuoteMeta .topic | replace "\\" "\\\\") -}}
{{- end -}}
topic=~"{{ join "|" $names }}"
{{- end -}}

{{- define "postback.endpoint" -}}
port: metrics
path: /metrics
interval: {{ .Values.monitoring.interval }}
relabelings:
  - {action: replace, targetLabel: job, replacement: {{ include "postback.fullname" . }}}
  # The operator gives each target a label endpoint, the port's name, before this: postback_endpoint_held's own label of
  # that name would become exported_endpoint. honorLabels would not do: a Prometheus may override it.
  - {action: labeldrop, regex: endpoint}
{{- end -}}

{{/* Seconds of one tick, a whole number. */}}
{{- define "postback.tickSeconds" -}}
{{- mulf .Values.settings.tick_minutes 60 | ceil | int -}}
{{- end -}}

{{/*
The number in the label window ("15m" gives 15), as PromQL. PromQL turns no label into a number, so it is looked for bit
by bit: in each place, digits that hold an 8, a 4, a 2 and a 1, and what is found is added up.
*/}}
{{- define "postback.windowNumber" -}}
{{- $bits := dict "1" "[13579]" "2" "[2367]" "4" "[4567]" "8" "[89]" -}}
{{- $terms := list -}}
{{- range $place := until 6 -}}
{{- range $bit, $digits := $bits -}}
{{- $value := printf "%s%s" $bit (repeat $place "0") -}}
{{- $window := printf "window=~\"[0-9]*%s[0-9]{%d}[ms]\"" $digits $place -}}
{{- $found := printf "group by (namespace, job, window) (postback_last_run_timestamp_seconds{%s,%s})" (include "postback.series" $) $window -}}
{{- $terms = append $terms (printf "label_replace(%s * %s, \"bit\", \"%s\", \"\", \"\")" $value $found $value) -}}
{{- end -}}
{{- end -}}
sum by (namespace, job, window) (
  {{ join "\n  or " $terms }}
)
{{- end -}}

{{/* For each role that this release runs, a sample labelled with it while no pod of it is ready. */}}
{{- define "postback.noneReady" -}}
{{- $terms := list -}}
{{- range $role := splitList "," (include "postback.roles" .) -}}
{{- $absent := printf "absent(postback_ready{%s,role=%q} == 1)" (include "postback.series" $) $role -}}
{{- $terms = append $terms (printf "label_replace(%s, \"role\", %q, \"\", \"\")" $absent $role) -}}
{{- end -}}
{{- join "\n  or " $terms -}}
{{- end -}}

{{/* One rule of files/alerts.yaml with its values filled in; nothing for an alert that is disabled. Takes root and rule. */}}
{{- define "postback.rule" -}}
{{- $rule := .rule -}}
{{- $values := dict -}}
{{- range $name := list "series" "sourceTopics" "noneReady" -}}
{{- $_ := set $values $name (include (printf "postback.%s" $name) $.root) -}}
{{- end -}}
{{- if $rule.record -}}
{{- $_ := set $values "windowNumber" (include "postback.windowNumber" .root) -}}
{{- else -}}
{{- $name := $rule.alert | trimPrefix "Postback" | untitle -}}
{{- $missing := printf "monitoring.rules.alerts.%s has no values: were those of an older chart reused? Upgrade with --reset-then-reuse-values; to have no such alert, set enabled: false" $name -}}
{{- $alert := get .root.Values.monitoring.rules.alerts $name | required $missing -}}
{{- $values = merge $values $alert -}}
{{- if eq (default "" $alert.window | toString) "" -}}
{{- $_ := set $values "window" (printf "%ds" (mul 2 (include "postback.tickSeconds" .root | int))) -}}
{{- end -}}
{{- $_ := set $rule "for" $alert.for -}}
{{- $_ := set $rule "labels" (merge (dict "severity" $alert.severity) .root.Values.monitoring.rules.labels) -}}
{{- if regexMatch "^https?://" (default "" .root.Values.monitoring.rules.runbooks) -}}
{{- $_ := set $rule.annotations "runbook_url" (printf "%s#%s" .root.Values.monitoring.rules.runbooks (lower $rule.alert)) -}}
{{- end -}}
{{- end -}}
{{- $text := toYaml (list $rule) -}}
{{- range $name, $value := $values -}}
{{- if contains "\n" (toString $value) -}}
{{- $value = nindent 4 $value | trim -}}
{{- end -}}
{{- $text = replace (printf "__%s__" $name) (toString $value) $text -}}
{{- end -}}
{{- if dig "enabled" true $values -}}
{{- $text -}}
{{- end -}}
{{- end -}}
