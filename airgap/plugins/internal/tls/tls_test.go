package tls

import (
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bankmesh/airgap/plugins/internal/plugintest"
)

const (
	keyToken    = "tls:index/privateKey:PrivateKey"
	selfToken   = "tls:index/selfSignedCert:SelfSignedCert"
	csrToken    = "tls:index/certRequest:CertRequest"
	signedToken = "tls:index/locallySignedCert:LocallySignedCert"
)

func create(t *testing.T, token string, values map[string]any) *plugintest.Resource {
	t.Helper()
	return plugintest.New(t, Provider(), token).Create(plugintest.Map(t, values))
}

func newKey(t *testing.T, algorithm, curve string) string {
	t.Helper()
	return create(t, keyToken, map[string]any{"algorithm": algorithm, "ecdsaCurve": curve}).Str("privateKeyPem")
}

// newCA makes a CA like the program's: returns its key and its resource.
func newCA(t *testing.T, algorithm string, more map[string]any) (string, *plugintest.Resource) {
	t.Helper()
	key := newKey(t, algorithm, "P256")
	values := map[string]any{
		"privateKeyPem": key, "subject": map[string]any{"commonName": "demo-root"}, "isCaCertificate": true,
		"validityPeriodHours": 87600, "allowedUses": []any{"cert_signing", "crl_signing"},
	}
	for name, v := range more {
		values[name] = v
	}
	return key, create(t, selfToken, values)
}

func request(t *testing.T, key string) string {
	t.Helper()
	return create(t, csrToken, map[string]any{
		"privateKeyPem": key, "subject": map[string]any{"commonName": "app.local", "organization": "Bank"},
		"dnsNames": []any{"app.local"}, "ipAddresses": []any{"127.0.0.1", "::1"}, "uris": []any{"spiffe://a/b"},
	}).Str("certRequestPem")
}

func signed(t *testing.T, more map[string]any) (ca, leaf *plugintest.Resource) {
	t.Helper()
	caKey, ca := newCA(t, "RSA", nil)
	values := map[string]any{
		"caCertPem": ca.Str("certPem"), "caPrivateKeyPem": caKey, "certRequestPem": request(t, newKey(t, "ECDSA", "P256")),
		"validityPeriodHours": 2160, "allowedUses": []any{"digital_signature", "key_encipherment", "server_auth"},
	}
	for name, v := range more {
		values[name] = v
	}
	return ca, create(t, signedToken, values)
}

func save(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func openssl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func wantAll(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

func TestPrivateKeys(t *testing.T) {
	for name, c := range map[string]struct {
		inputs     map[string]any
		pem        string
		opensshTyp string
		text       string
	}{
		"RSA default":   {map[string]any{"algorithm": "RSA"}, "RSA PRIVATE KEY", "ssh-rsa ", "2048 bit"},
		"RSA 3072":      {map[string]any{"algorithm": "RSA", "rsaBits": 3072}, "RSA PRIVATE KEY", "ssh-rsa ", "3072 bit"},
		"ECDSA default": {map[string]any{"algorithm": "ECDSA"}, "EC PRIVATE KEY", "", "secp224r1"},
		"ECDSA P384":    {map[string]any{"algorithm": "ECDSA", "ecdsaCurve": "P384"}, "EC PRIVATE KEY", "ecdsa-sha2-nistp384 ", "secp384r1"},
		"ED25519":       {map[string]any{"algorithm": "ED25519"}, "PRIVATE KEY", "ssh-ed25519 ", "ED25519"},
	} {
		t.Run(name, func(t *testing.T) {
			r := create(t, keyToken, c.inputs)
			wantAll(t, openssl(t, "pkey", "-in", save(t, r.Str("privateKeyPem")), "-noout", "-text"), c.text)
			wantAll(t, r.Str("privateKeyPem"), "-----BEGIN "+c.pem+"-----")
			wantAll(t, r.Str("privateKeyPemPkcs8"), "-----BEGIN PRIVATE KEY-----")
			public := openssl(t, "pkey", "-in", save(t, r.Str("privateKeyPemPkcs8")), "-pubout")
			if public != r.Str("publicKeyPem") {
				t.Errorf("public key %s, want %s", r.Str("publicKeyPem"), public)
			}
			if got := r.Str("publicKeyOpenssh"); c.opensshTyp == "" && got != "" || !strings.HasPrefix(got, c.opensshTyp) {
				t.Errorf("publicKeyOpenssh %q", got)
			}
			if c.opensshTyp != "" {
				wantAll(t, r.Str("privateKeyOpenssh"), "BEGIN OPENSSH PRIVATE KEY")
				wantAll(t, r.Str("publicKeyFingerprintSha256"), "SHA256:")
				if strings.Count(r.Str("publicKeyFingerprintMd5"), ":") != 15 {
					t.Errorf("md5 %q", r.Str("publicKeyFingerprintMd5"))
				}
			}
			for _, output := range []string{"privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"} {
				if !r.State.Get(output).Secret() {
					t.Errorf("%s is not secret", output)
				}
			}
			if r.State.Get("publicKeyPem").Secret() || r.State.Get("id").AsString() != r.ID || len(r.ID) != 40 {
				t.Errorf("id %q, state %#v", r.ID, r.State)
			}
		})
	}
}

func TestSelfSignedCA(t *testing.T) {
	for _, algorithm := range []string{"RSA", "ECDSA", "ED25519"} {
		t.Run(algorithm, func(t *testing.T) {
			_, ca := newCA(t, algorithm, nil)
			text := openssl(t, "x509", "-in", save(t, ca.Str("certPem")), "-noout", "-text")
			wantAll(t, text, "Subject: CN = demo-root", "Certificate Sign, CRL Sign", "CA:TRUE", "Subject Key Identifier")
			if strings.Contains(text, "pathlen") {
				t.Error("a path length without maxPathLength")
			}
			openssl(t, "verify", "-CAfile", save(t, ca.Str("certPem")), save(t, ca.Str("certPem")))
			if ca.Str("keyAlgorithm") != algorithm || ca.State.Get("readyForRenewal").AsBool() {
				t.Errorf("state %#v", ca.State)
			}
			if !ca.State.Get("privateKeyPem").Secret() {
				t.Error("the private key is no secret in the state")
			}
		})
	}
}

func TestLocallySigned(t *testing.T) {
	ca, leaf := signed(t, nil)
	caFile, leafFile := save(t, ca.Str("certPem")), save(t, leaf.Str("certPem"))
	openssl(t, "verify", "-CAfile", caFile, "-purpose", "sslserver", "-verify_hostname", "app.local", leafFile)
	text := openssl(t, "x509", "-in", leafFile, "-noout", "-text")
	wantAll(t, text, "Issuer: CN = demo-root", "Subject: O = Bank, CN = app.local", "Digital Signature, Key Encipherment",
		"TLS Web Server Authentication", "CA:FALSE", "Authority Key Identifier",
		"DNS:app.local, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:spiffe://a/b", "sha256WithRSAEncryption")
	if strings.Contains(text, "Subject Key Identifier") {
		t.Error("a subject key identifier without setSubjectKeyId")
	}
	if out, err := exec.Command("openssl", "verify", "-CAfile", caFile, "-purpose", "sslclient", leafFile).CombinedOutput(); err == nil {
		t.Errorf("a server certificate passes as a client's: %s", out)
	}
	hex := strings.TrimPrefix(strings.TrimSpace(openssl(t, "x509", "-in", leafFile, "-noout", "-serial")), "serial=")
	if serial, ok := new(big.Int).SetString(hex, 16); !ok || serial.String() != leaf.ID {
		t.Errorf("id %q, want the serial number %s", leaf.ID, hex)
	}
	if leaf.Str("caKeyAlgorithm") != "RSA" {
		t.Errorf("state %#v", leaf.State)
	}
}

func TestOptions(t *testing.T) {
	_, ca := newCA(t, "ECDSA", map[string]any{"maxPathLength": 0, "setAuthorityKeyId": true, "subject": map[string]any{
		"commonName": "c", "country": "DE", "province": "BE", "locality": "B", "organization": "O", "organizationalUnit": "OU",
		"postalCode": "1", "serialNumber": "9", "streetAddresses": []any{"S 1"}, "emailAddress": "a@b.c",
	}})
	wantAll(t, openssl(t, "x509", "-in", save(t, ca.Str("certPem")), "-noout", "-text", "-nameopt", "RFC2253"),
		"CA:TRUE, pathlen:0", "Authority Key Identifier", "C=DE", "ST=BE", "L=B", "O=O", "OU=OU", "postalCode=1",
		"serialNumber=9", "street=S 1", "emailAddress=a@b.c")
	_, leaf := signed(t, map[string]any{"setSubjectKeyId": true, "allowedUses": []any{"client_auth"}})
	wantAll(t, openssl(t, "x509", "-in", save(t, leaf.Str("certPem")), "-noout", "-text"),
		"Subject Key Identifier", "TLS Web Client Authentication")
}

func TestErrors(t *testing.T) {
	key := newKey(t, "ECDSA", "P256")
	for name, c := range map[string]struct {
		token  string
		inputs map[string]any
		want   string
	}{
		"CA without a subject": {selfToken, map[string]any{"privateKeyPem": key, "isCaCertificate": true, "validityPeriodHours": 1, "allowedUses": []any{}}, "Distinguished Name"},
		"no key":               {selfToken, map[string]any{"privateKeyPem": "nonsense", "validityPeriodHours": 1, "allowedUses": []any{}}, "failed to parse private key PEM"},
		"authority key id":     {selfToken, map[string]any{"privateKeyPem": key, "setAuthorityKeyId": true, "validityPeriodHours": 1, "allowedUses": []any{}}, "Authority Key Identifier"},
		"bad address":          {csrToken, map[string]any{"privateKeyPem": key, "ipAddresses": []any{"1.2.3"}}, `"1.2.3" is no IP address`},
		"no request":           {signedToken, map[string]any{"caCertPem": "x", "caPrivateKeyPem": key, "certRequestPem": "x", "validityPeriodHours": 1, "allowedUses": []any{}}, "failed to parse certificate request PEM"},
		"no CA": {signedToken, map[string]any{"caCertPem": "x", "caPrivateKeyPem": key, "certRequestPem": request(t, key),
			"validityPeriodHours": 1, "allowedUses": []any{}}, "failed to parse CA certificate PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			err := plugintest.New(t, Provider(), c.token).TryCreate(plugintest.Map(t, c.inputs))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "PRIVATE KEY-----") {
				t.Errorf("the key is in the error: %v", err)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		token  string
		inputs map[string]any
		want   []string
	}{
		"algorithm missing": {keyToken, nil, []string{"algorithm: missing required property"}},
		"algorithm":         {keyToken, map[string]any{"algorithm": "DSA"}, []string{"algorithm: ", "RSA, ECDSA, ED25519", `got "DSA"`}},
		"curve":             {keyToken, map[string]any{"algorithm": "ECDSA", "ecdsaCurve": "P1"}, []string{"ecdsaCurve: "}},
		"bits":              {keyToken, map[string]any{"algorithm": "RSA", "rsaBits": 2048.5}, []string{"rsaBits", "whole number"}},
		"unknown input":     {keyToken, map[string]any{"algorithm": "RSA", "bits": 1}, []string{`"bits" is no input`}},
		"usage":             {selfToken, map[string]any{"privateKeyPem": "k", "validityPeriodHours": 1, "allowedUses": []any{"server"}}, []string{"allowedUses", `got "server"`}},
		"hours":             {selfToken, map[string]any{"privateKeyPem": "k", "validityPeriodHours": -1, "allowedUses": []any{}}, []string{"validityPeriodHours", "at least 0"}},
		"subject":           {csrToken, map[string]any{"privateKeyPem": "k", "subject": map[string]any{"cn": "x"}}, []string{`"subject.cn" is no input`}},
		"write-only":        {csrToken, map[string]any{"privateKeyPem": "k", "privateKeyPemWo": "x"}, []string{"privateKeyPemWo", "write-only keys are not implemented"}},
		"empty address":     {csrToken, map[string]any{"privateKeyPem": "k", "ipAddresses": []any{""}}, []string{"ipAddresses", "must not be empty"}},
		"other type":        {"tls:index/other:Other", nil, []string{"tls:index/other:Other is not implemented", "PrivateKey"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, failures := plugintest.New(t, Provider(), c.token).Check(plugintest.Map(t, c.inputs))
			wantAll(t, strings.Join(failures, "\n"), c.want...)
			if len(failures) == 0 {
				t.Error("not refused")
			}
		})
	}
}

func TestCheckMarksKeysSecretAndFillsInNothing(t *testing.T) {
	r := plugintest.New(t, Provider(), csrToken)
	checked := r.MustCheck(plugintest.Map(t, map[string]any{"privateKeyPem": "k"}))
	if !checked.Get("privateKeyPem").Secret() || checked.Len() != 1 {
		t.Errorf("inputs %#v", checked)
	}
}

func TestUnknownsInPreview(t *testing.T) {
	r := plugintest.New(t, Provider(), signedToken)
	out := r.Preview(plugintest.Map(t, map[string]any{
		"caCertPem": plugintest.Unknown, "caPrivateKeyPem": plugintest.Unknown.WithSecret(true), "certRequestPem": plugintest.Unknown,
		"validityPeriodHours": plugintest.Unknown, "allowedUses": []any{plugintest.Unknown},
	}))
	for _, name := range []string{"certPem", "readyForRenewal", "caCertPem", "id"} {
		if !out.Get(name).IsComputed() {
			t.Errorf("%s is %#v", name, out.Get(name))
		}
	}
	if !out.Get("caPrivateKeyPem").Secret() || out.Get("earlyRenewalHours").AsNumber() != 0 {
		t.Errorf("preview %#v", out)
	}
	key := plugintest.New(t, Provider(), keyToken).Preview(plugintest.Map(t, map[string]any{"algorithm": "RSA"}))
	if v := key.Get("privateKeyPem"); !v.IsComputed() || !v.Secret() {
		t.Errorf("private key in preview %#v", v)
	}
}
