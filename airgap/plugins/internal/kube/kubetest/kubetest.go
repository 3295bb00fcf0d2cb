// Package kubetest runs a real etcd, API server and controller manager for tests, on free ports
// of the loopback interface. There is no kubelet: Pods exist, but nothing runs.
package kubetest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"crypto/tls"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// BinEnv names the folder that holds etcd, kube-apiserver and kube-controller-manager.
const BinEnv = "BANKMESH_TEST_KUBE_BIN"

const (
	token   = "test-token" // of the API server below only
	startup = 60 * time.Second
)

// Cluster is a running control plane.
type Cluster struct {
	Config     *rest.Config
	Client     *kubernetes.Clientset
	Kubeconfig string

	dir       string
	processes []*exec.Cmd
}

var (
	once   sync.Once
	shared *Cluster
	failed error
)

// Main runs a package's tests and stops the control plane if one was started.
func Main(m *testing.M) {
	code := m.Run()
	if shared != nil {
		shared.stop()
	}
	os.Exit(code)
}

// Shared is the package's control plane, started on first use. Without a folder of
// binaries the test is skipped, and says why.
func Shared(t *testing.T) *Cluster {
	t.Helper()
	bin := os.Getenv(BinEnv)
	if bin == "" {
		t.Skipf("needs a real API server: set %s to a folder with etcd, kube-apiserver and kube-controller-manager", BinEnv)
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager"} {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			t.Fatalf("%s is set to %s, but: %v", BinEnv, bin, err)
		}
	}
	once.Do(func() { shared, failed = start(bin) })
	if failed != nil {
		t.Fatalf("the control plane did not start: %v", failed)
	}
	return shared
}

func start(bin string) (*Cluster, error) {
	dir, err := os.MkdirTemp("", "kubetest")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir}
	if err := c.launch(bin); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) launch(bin string) error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	etcd, peer, api := local("http", ports[0]), local("http", ports[1]), local("https", ports[2])
	key, users := filepath.Join(c.dir, "sa.key"), filepath.Join(c.dir, "users.csv")
	if err := writeKey(key); err != nil {
		return err
	}
	if err := os.WriteFile(users, []byte(token+",admin,admin,system:masters\n"), 0o600); err != nil {
		return err
	}
	c.Config = &rest.Config{
		Host: api, BearerToken: token, QPS: 200, Burst: 400,
		TLSClientConfig: rest.TLSClientConfig{Insecure: true},
	}
	c.Kubeconfig = kubeconfig(api)
	file := filepath.Join(c.dir, "kubeconfig")
	if err := os.WriteFile(file, []byte(c.Kubeconfig), 0o600); err != nil {
		return err
	}
	if c.Client, err = kubernetes.NewForConfig(c.Config); err != nil {
		return err
	}
	steps := [][]string{
		{
			"etcd", "--data-dir=" + filepath.Join(c.dir, "etcd"), "--listen-client-urls=" + etcd,
			"--advertise-client-urls=" + etcd, "--listen-peer-urls=" + peer,
			"--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer, "--unsafe-no-fsync",
		},
		{
			"kube-apiserver", "--etcd-servers=" + etcd, "--bind-address=127.0.0.1",
			"--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports[2]),
			"--cert-dir=" + c.dir, "--token-auth-file=" + users, "--authorization-mode=RBAC",
			"--service-account-issuer=" + api, "--service-account-key-file=" + key,
			"--service-account-signing-key-file=" + key, "--service-cluster-ip-range=10.0.0.0/24",
			"--endpoint-reconciler-type=none", "--allow-privileged",
		},
		{
			"kube-controller-manager", "--kubeconfig=" + file, "--leader-elect=false",
			"--bind-address=127.0.0.1", "--secure-port=0", "--concurrent-gc-syncs=4",
			"--service-account-private-key-file=" + key, "--use-service-account-credentials=false",
		},
	}
	for i, step := range steps {
		if err := c.run(bin, step); err != nil {
			return err
		}
		if i == 1 {
			if err := c.answering(api); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Cluster) run(bin string, step []string) error {
	log, err := os.Create(filepath.Join(c.dir, step[0]+".log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the process has its own handle
	cmd := exec.Command(filepath.Join(bin, step[0]), step[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	// A test run that is killed must not leave servers behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.processes = append(c.processes, cmd)
	return nil
}

func (c *Cluster) answering(api string) error {
	client := &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // own server
	}
	for end := time.Now().Add(startup); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, api+"/readyz", nil)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(r)
		if err != nil {
			continue
		}
		resp.Body.Close() //nolint:errcheck // only the status counts
		if resp.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("the API server did not answer within %s: %s", startup, tail(filepath.Join(c.dir, "kube-apiserver.log")))
}

func (c *Cluster) stop() {
	for i := len(c.processes) - 1; i >= 0; i-- {
		_ = c.processes[i].Process.Kill()
		_ = c.processes[i].Wait()
	}
	_ = os.RemoveAll(c.dir)
}

// Namespace makes a namespace for one test, which is deleted after it.
func (c *Cluster) Namespace(t *testing.T) string {
	t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	if len(name) > 40 {
		name = name[:40]
	}
	name = strings.Trim(name, "-") + "-" + suffix()
	c.makeNamespace(t, name)
	return name
}

func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() //nolint:errcheck // held until all are found, so that they differ
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}

func local(scheme string, port int) string { return fmt.Sprintf("%s://127.0.0.1:%d", scheme, port) }

func writeKey(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}

func kubeconfig(api string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: admin}}]
clusters: [{name: test, cluster: {server: %q, insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: %s}}]
`, api, token)
}

func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close() //nolint:errcheck // only read
	text, _ := io.ReadAll(f)
	return string(text[max(0, len(text)-2000):])
}
