package provider

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientapi "k8s.io/client-go/tools/clientcmd/api"
)

// config is the provider's configuration.
type config struct {
	kubeconfig, context, cluster, namespace string

	secretMutable, configMapMutable          bool
	deleteUnreachable, skipUpdateUnreachable bool
	patchForce, upsert                       bool

	// renderTo is the folder for YAML files; when set, no cluster is contacted.
	renderTo string

	client clientSettings
	// defaultNamespace is that of objects which name none.
	defaultNamespace string
}

// clientSettings are kubeClientSettings.
type clientSettings struct {
	Burst   *int     `json:"burst"`
	QPS     *float64 `json:"qps"`
	Timeout *int     `json:"timeout"`
}

// Inputs of the provider: those with a value in the environment as a second source name it.
var switches = map[string]string{
	"deleteUnreachable":           "PULUMI_K8S_DELETE_UNREACHABLE",
	"enableConfigMapMutable":      "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
	"enablePatchForce":            "PULUMI_K8S_ENABLE_PATCH_FORCE",
	"enableSecretMutable":         "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
	"enableServerSideApply":       "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY",
	"skipUpdateUnreachable":       "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
	"suppressDeprecationWarnings": "PULUMI_K8S_SUPPRESS_DEPRECATION_WARNINGS",
	"suppressHelmHookWarnings":    "PULUMI_K8S_SUPPRESS_HELM_HOOK_WARNINGS",
	"upsertExistingObjects":       "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
}

var texts = []string{
	"cluster", "clusterIdentifier", "context", "kubeconfig", "namespace", "renderYamlToDirectory",
}

// Inputs that the engine adds itself.
var internalInputs = []string{"version", "pluginDownloadURL", "__internal", "parameterization"}

// Inputs of the official plugin that are refused, with the reason.
var refused = map[string]string{
	"alwaysRender":        "rendering on every update is not offered by this stand-in",
	"helmReleaseSettings": "kubernetes:helm.sh/v3:Release is not offered by this stand-in",
	"strictMode":          "strict mode is not offered by this stand-in",
}

type failure struct{ property, reason string }

// checkConfig lists everything that is wrong with the provider's inputs.
func checkConfig(in resource.PropertyMap) []failure {
	var out []failure
	add := func(key, format string, args ...any) {
		out = append(out, failure{key, fmt.Sprintf(format, args...)})
	}
	for _, k := range in.StableKeys() {
		key, v := string(k), unwrap(in[k])
		switch {
		case v.IsComputed() || v.IsNull() || slices.Contains(internalInputs, key):
		case refused[key] != "":
			if !blank(v) {
				add(key, "%s; leave it out or run with the official plugin %s", refused[key], Version)
			}
		case switches[key] != "":
			if _, err := boolean(v); err != nil {
				add(key, "%v", err)
			}
		case key == "kubeconfig" && v.IsObject():
		case slices.Contains(texts, key):
			if !v.IsString() {
				add(key, "must be a text, is a %s", v.TypeString())
			}
		case key == "kubeClientSettings":
			if _, err := parseClientSettings(v); err != nil {
				add(key, "%v", err)
			}
		default:
			add(key, "is not an input of the Kubernetes provider; known are: %s", strings.Join(known(), ", "))
		}
	}
	if v := unwrap(in["enableServerSideApply"]); (v.IsBool() && !v.BoolValue()) || (v.IsString() && v.StringValue() == "false") {
		add("enableServerSideApply", "client-side apply is not offered by this stand-in; leave it out or set it to true")
	}
	if !blank(unwrap(in["renderYamlToDirectory"])) {
		for _, k := range []resource.PropertyKey{"cluster", "context", "kubeconfig"} {
			if !blank(unwrap(in[k])) {
				add(string(k), `%q arg is not compatible with "renderYamlToDirectory" arg`, k)
			}
		}
	}
	return out
}

func known() []string {
	out := append(slices.Clone(texts), "kubeClientSettings")
	for k := range switches {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func unwrap(v resource.PropertyValue) resource.PropertyValue {
	for v.IsSecret() {
		v = v.SecretValue().Element
	}
	return v
}

func blank(v resource.PropertyValue) bool {
	return !v.IsComputed() && (!v.HasValue() || (v.IsString() && (v.StringValue() == "" || v.StringValue() == "null")) ||
		(v.IsBool() && !v.BoolValue()) || (v.IsString() && v.StringValue() == "false"))
}

// boolean reads a switch; the SDKs send provider inputs as JSON text.
func boolean(v resource.PropertyValue) (bool, error) {
	switch {
	case v.IsNull() || (v.IsString() && v.StringValue() == ""):
		return false, nil
	case v.IsBool():
		return v.BoolValue(), nil
	case v.IsString() && (v.StringValue() == "true" || v.StringValue() == "false"):
		return v.StringValue() == "true", nil
	}
	return false, fmt.Errorf("must be true or false, is %s", v.String())
}

func parseClientSettings(v resource.PropertyValue) (clientSettings, error) {
	var out clientSettings
	var data []byte
	switch {
	case v.IsString():
		data = []byte(v.StringValue())
	case v.IsObject():
		data, _ = json.Marshal(v.ObjectValue().Mappable())
	default:
		return out, fmt.Errorf("must be an object with burst, qps and timeout")
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return out, fmt.Errorf("must be an object with the numbers burst, qps and timeout: %v", err)
	}
	return out, nil
}

// parseConfig reads the inputs that Configure gets; they are known and passed checkConfig.
func parseConfig(in resource.PropertyMap) (config, error) {
	get := func(key resource.PropertyKey) string {
		if v := unwrap(in[key]); v.IsString() {
			return v.StringValue()
		}
		return ""
	}
	on := func(key string) bool {
		v, given := in[resource.PropertyKey(key)]
		if b, err := boolean(unwrap(v)); given && err == nil {
			return b
		}
		return os.Getenv(switches[key]) == "true"
	}
	c := config{
		kubeconfig: get("kubeconfig"), context: get("context"), cluster: get("cluster"),
		namespace: get("namespace"), renderTo: get("renderYamlToDirectory"),
		secretMutable: on("enableSecretMutable"), configMapMutable: on("enableConfigMapMutable"),
		deleteUnreachable: on("deleteUnreachable"), skipUpdateUnreachable: on("skipUpdateUnreachable"),
		patchForce: on("enablePatchForce"), upsert: on("upsertExistingObjects"),
	}
	if v := unwrap(in["kubeconfig"]); v.IsObject() {
		text, err := json.Marshal(v.ObjectValue().Mappable())
		if err != nil {
			return c, fmt.Errorf("kubeconfig: %w", err)
		}
		c.kubeconfig = string(text)
	}
	if v := unwrap(in["kubeClientSettings"]); v.HasValue() {
		settings, err := parseClientSettings(v)
		if err != nil {
			return c, fmt.Errorf("kubeClientSettings: %w", err)
		}
		c.client = settings
	}
	return c, nil
}

// restConfig finds the API server and credentials, and sets the default namespace.
func (c *config) restConfig() (*rest.Config, error) {
	overrides := &clientcmd.ConfigOverrides{
		Context:        clientapi.Context{Cluster: c.cluster, Namespace: c.namespace},
		CurrentContext: c.context,
	}
	var loaded clientcmd.ClientConfig
	if c.kubeconfig == "" {
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		loaded = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	} else {
		parsed, err := loadKubeconfig(c.kubeconfig)
		if err != nil {
			return nil, fmt.Errorf("failed to parse kubeconfig data in `kubernetes:config:kubeconfig`: %w", err)
		}
		loaded = clientcmd.NewDefaultClientConfig(*parsed, overrides)
	}
	if ns, _, err := loaded.Namespace(); err == nil {
		c.defaultNamespace = ns
	}
	out, err := loaded.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("unable to load Kubernetes client configuration from the kubeconfig: %w", err)
	}
	// The engine already bounds how many operations run at once.
	out.QPS, out.Burst = 200, 400
	if c.client.QPS != nil {
		out.QPS = float32(*c.client.QPS)
	}
	if c.client.Burst != nil {
		out.Burst = *c.client.Burst
	}
	if c.client.Timeout != nil {
		out.Timeout = time.Duration(*c.client.Timeout) * time.Second
	}
	out.UserAgent = "pulumi-kubernetes/" + Version
	out.WarningHandlerWithContext = serverWarnings{}
	return out, nil
}

// loadKubeconfig takes the text of a kubeconfig, or the path of a file that holds one.
func loadKubeconfig(pathOrText string) (*clientapi.Config, error) {
	path := pathOrText
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, rest)
		}
	}
	if !strings.Contains(path, "\n") {
		if text, err := os.ReadFile(path); err == nil {
			return clientcmd.Load(text)
		}
	}
	out, err := clientcmd.Load([]byte(pathOrText))
	if err != nil && !strings.ContainsAny(pathOrText, "\n{") {
		return nil, fmt.Errorf("neither a file nor the text of a kubeconfig (%s characters)", strconv.Itoa(len(pathOrText)))
	}
	return out, err
}
