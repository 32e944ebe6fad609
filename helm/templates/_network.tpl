{{/* Ports of a comma-separated list of addresses; 9092 where one names none. */}}
{{- define "postback.kafkaPorts" -}}
{{- $ports := list -}}
{{- range $address := splitList "," .Values.settings.kafka.bootstrap_servers -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" (trim $address) | trimPrefix ":" | default "9092" | int) -}}
{{- end -}}
{{- uniq (default $ports .Values.networkPolicy.kafka.ports) | toJson -}}
{{- end -}}

{{- define "postback.registryPort" -}}
{{- $url := urlParse .Values.settings.schemas.registry_url -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) -}}
{{- end -}}

{{/* The blocks of the IANA registries that are not public; the service itself refuses more spellings of them. */}}
{{- define "postback.publicPeers" -}}
- ipBlock:
    cidr: 0.0.0.0/0
    except: [0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, 192.0.2.0/24,
      192.88.99.0/24, 192.168.0.0/16, 198.18.0.0/15, 198.51.100.0/24, 203.0.113.0/24, 224.0.0.0/4, 240.0.0.0/4]
- ipBlock:
    cidr: 2000::/3
    except: ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]
{{- range $network := dig "http" "allow_networks" list .Values.settings }}
- ipBlock:
    {{- if contains "/" $network }}
    cidr: {{ $network | quote }}
    {{- else }}
    cidr: {{ printf "%s/%s" $network (ternary "128" "32" (contains ":" $network)) | quote }}
    {{- end }}
{{- end }}
{{- end -}}
