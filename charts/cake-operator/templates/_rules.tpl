{{/* What the operator may do, and nothing more: one list for the ClusterRole and for the Role of a single namespace.
     It reads no Secret: pods are given them by reference. */}}
{{- define "cake-operator.rules" -}}
- apiGroups: [cake.dev]
  resources: [cakedeployments]
  verbs: [get, list, watch]
- apiGroups: [cake.dev]
  resources: [cakedeployments/status]
  verbs: [patch]
# Clusters that enforce owner references ask for this before a child may block its owner's deletion.
- apiGroups: [cake.dev]
  resources: [cakedeployments/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [services, configmaps, persistentvolumeclaims]
  verbs: [get, list, watch, create, patch]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch]
# Salts of tenants: made where there is none, and read by pods alone.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
# Claims of tiers that a CakeDeployment no longer has; all else goes with its owner.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [delete]
# Patched before a scale-down, with what it would cost to end each pod.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
# Deleted when a CakeDeployment no longer asks for one.
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
{{- if include "cake-operator.prometheusRule" . }}
# Alerts for objectives; deleted when a CakeDeployment no longer has one.
- apiGroups: [monitoring.coreos.com]
  resources: [prometheusrules]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- end -}}
