{{/* At most 43 characters: a StatefulSet's name, with -dispatch, may have 52, since its pods' label adds a hash of 11. */}}
{{- define "postback.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 43 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if or (contains $name .Release.Name) (contains .Release.Name $name) -}}
{{- .Release.Name | trunc 43 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 43 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "postback.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "postback.labels" -}}
{{ include "postback.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/* The roles that this release runs, comma-separated. */}}
{{- define "postback.roles" -}}
{{- if eq .Values.mode "split" -}}ingest,dispatch{{- else -}}all{{- end -}}
{{- end -}}

{{/* Pods of hooks carry another name than the service's, so that no selector takes them for it. */}}
{{- define "postback.hookLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 58 | trimSuffix "-" }}-hook
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Workload of one role. Takes root and role. */}}
{{- define "postback.workloadName" -}}
{{- if eq .role "all" -}}
{{- include "postback.fullname" .root -}}
{{- else -}}
{{- printf "%s-%s" (include "postback.fullname" .root) .role -}}
{{- end -}}
{{- end -}}

{{- define "postback.workloadKind" -}}
{{- if .Values.staticMembership -}}StatefulSet{{- else -}}Deployment{{- end -}}
{{- end -}}

{{- define "postback.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "postback.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "postback.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "postback.port" -}}
{{- .Values.settings.web.address | splitList ":" | last -}}
{{- end -}}

{{/* Whether a role may ever have more than one pod; empty when not. Takes the role's values. */}}
{{- define "postback.many" -}}
{{- $max := ternary .autoscaling.maxReplicas .replicas .autoscaling.enabled -}}
{{- if gt (int $max) 1 -}}yes{{- end -}}
{{- end -}}
