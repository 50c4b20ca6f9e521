{{/* What the operator is told. A variable that extraEnv names too is left to it: the API server refuses doubles. */}}
{{- define "cake-operator.environment" -}}
CAKE_NAMESPACE: {{ .Values.watchNamespace | quote }}
CAKE_PROMETHEUS_URL: {{ .Values.prometheus.url | quote }}
CAKE_ENGINE_IMAGE: {{ include "cake-operator.engineImage" . | quote }}
CAKE_INTERVAL_SECONDS: {{ .Values.intervalSeconds | quote }}
CAKE_SCRAPE_INTERVAL_SECONDS: {{ .Values.prometheus.scrapeIntervalSeconds | quote }}
CAKE_TUNING_WINDOW_SECONDS: {{ .Values.tuningWindowSeconds | quote }}
CAKE_LEASE: {{ printf "%s/%s" .Release.Namespace (include "cake-operator.fullname" .) | quote }}
CAKE_LEASE_SECONDS: {{ .Values.leaseSeconds | quote }}
CAKE_LIVENESS_PORT: "8080"
{{- if include "cake-operator.prometheusRule" . }}
CAKE_RULES: "true"
{{- $labels := list }}
{{- range $name, $value := .Values.prometheusRule.labels }}{{ $labels = append $labels (printf "%s=%s" $name $value) }}{{ end }}
CAKE_RULE_LABELS: {{ join "," $labels | quote }}
CAKE_RUNBOOKS: {{ .Values.prometheusRule.runbooks | quote }}
{{- end }}
CAKE_LOG_LEVEL: {{ .Values.logLevel | quote }}
{{- end -}}
