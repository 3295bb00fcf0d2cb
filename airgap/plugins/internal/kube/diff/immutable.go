package diff

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"bankmesh/airgap/plugins/internal/kube/object"
)

// Mutability is what the provider's configuration allows to change in place.
type Mutability struct {
	Secrets    bool
	ConfigMaps bool
}

// Immutable says whether a change can only be made by replacing the object.
func Immutable(gvk schema.GroupVersionKind, inputs object.Object, m Mutability, c Change) bool {
	for _, p := range append(fieldsOf(gvk, inputs, m), "kind", "metadata.name", "metadata.namespace") {
		if touches(c, p) {
			return true
		}
	}
	return false
}

func fieldsOf(gvk schema.GroupVersionKind, inputs object.Object, m Mutability) []string {
	frozen := inputs["immutable"] == true
	switch gvk.GroupKind().String() {
	case "Secret":
		if m.Secrets && !frozen {
			return []string{"type"}
		}
		return []string{"type", "stringData", "data"}
	case "ConfigMap":
		if m.ConfigMaps && !frozen {
			return nil
		}
		return []string{"binaryData", "data"}
	}
	return immutable[gvk.GroupKind().String()]
}

// Fields by kind whose change the official plugin answers with a replacement.
var immutable = map[string][]string{
	"Deployment.apps": {"spec.selector"},
	"DaemonSet.apps":  {"spec.selector"},
	"StatefulSet.apps": {
		"spec.podManagementPolicy", "spec.revisionHistoryLimit", "spec.selector",
		"spec.serviceName", "spec.volumeClaimTemplates",
	},
	"Job.batch": {"spec.completions", "spec.parallelism", "spec.selector", "spec.template"},
	"ClusterRoleBinding.rbac.authorization.k8s.io": {"roleRef"},
	"RoleBinding.rbac.authorization.k8s.io":        {"roleRef"},
	"StorageClass.storage.k8s.io":                  {"parameters", "provisioner"},
	"Service":                                      {"spec.clusterIP"},
	"ResourceQuota":                                {"spec.scopes"},
	"PersistentVolumeClaim": {
		"spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName",
	},
	"PersistentVolume": under("spec",
		"awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc",
		"flexVolume", "flocker", "gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local",
		"nfs", "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos",
		"vsphereVolume"),
	"Pod": append(append(under("spec",
		"affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks",
		"hostAliases", "hostIPC", "hostNetwork", "hostPID", "hostname", "imagePullSecrets",
		"nodeName", "nodeSelector", "overhead", "preemptionPolicy", "priority",
		"priorityClassName", "readinessGates", "restartPolicy", "runtimeClassName",
		"schedulerName", "securityContext", "serviceAccount", "serviceAccountName",
		"shareProcessNamespace", "subdomain", "terminationGracePeriodSeconds", "volumes"),
		under("spec.containers[*]", containerFields...)...),
		under("spec.initContainers[*]", containerFields...)...),
}

var containerFields = []string{
	"args", "command", "env", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "ports",
	"readinessProbe", "resources", "securityContext", "stdin", "stdinOnce",
	"terminationMessagePath", "terminationMessagePolicy", "tty", "volumeDevices", "volumeMounts",
	"workingDir",
}

func under(prefix string, fields ...string) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = prefix + "." + f
	}
	return out
}

// touches says whether a change is at, below, or around the field that the pattern names; [*]
// stands for any position.
func touches(c Change, pattern string) bool {
	want := strings.Split(strings.ReplaceAll(pattern, "[*]", ".*"), ".")
	for i, e := range c.Path {
		if i == len(want) {
			return true
		}
		if _, position := e.(int); position && want[i] == "*" {
			continue
		}
		if e != want[i] {
			return false
		}
	}
	return len(c.Path) >= len(want) || holds(c.Value, want[len(c.Path):])
}

func holds(value any, path []string) bool {
	if len(path) == 0 {
		return true
	}
	switch v := value.(type) {
	case map[string]any:
		inner, ok := v[path[0]]
		return ok && holds(inner, path[1:])
	case []any:
		for _, e := range v {
			if path[0] == "*" && holds(e, path[1:]) {
				return true
			}
		}
	}
	return false
}
