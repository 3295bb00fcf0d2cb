package tls

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"bankmesh/airgap/plugins/internal/bridged"
)

var selfSignedCert = bridged.Resource{
	Inputs: with(with(ownerInputs(), certificateInputs()), map[string]bridged.Input{
		"setAuthorityKeyId": {Type: bridged.Bool, Default: false},
	}),
	Outputs: certificateOutputs("keyAlgorithm"),
	Create:  createSelfSigned,
	Expired: expired, Refresh: refreshReady, Update: updateReady,
}

func createSelfSigned(_ context.Context, in bridged.Values) (string, map[string]property.Value, error) {
	key, algorithm, err := parseKey(in.Str("privateKeyPem"))
	if err != nil {
		return "", nil, fmt.Errorf("failed to parse private key PEM: %w", err)
	}
	ips, uris, err := alternativeNames(in)
	if err != nil {
		return "", nil, err
	}
	id, out, err := issue(in, &x509.Certificate{
		Subject: distinguishedName(in.Object("subject")), DNSNames: in.Strings("dnsNames"),
		IPAddresses: ips, URIs: uris,
	}, nil, key.Public(), key)
	if err != nil {
		return "", nil, err
	}
	out["keyAlgorithm"] = property.New(algorithm)
	return id, out, nil
}

var certRequest = bridged.Resource{
	Inputs:  ownerInputs(),
	Outputs: map[string]bool{"certRequestPem": false, "keyAlgorithm": false},
	Create:  createCertRequest,
}

func createCertRequest(_ context.Context, in bridged.Values) (string, map[string]property.Value, error) {
	key, algorithm, err := parseKey(in.Str("privateKeyPem"))
	if err != nil {
		return "", nil, fmt.Errorf("failed to parse private key PEM: %w", err)
	}
	ips, uris, err := alternativeNames(in)
	if err != nil {
		return "", nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: distinguishedName(in.Object("subject")), DNSNames: in.Strings("dnsNames"),
		IPAddresses: ips, URIs: uris,
	}, key)
	if err != nil {
		return "", nil, fmt.Errorf("error creating certificate request: %w", err)
	}
	return hash(der), map[string]property.Value{
		"certRequestPem": property.New(encode("CERTIFICATE REQUEST", der)),
		"keyAlgorithm":   property.New(algorithm),
	}, nil
}

var locallySignedCert = bridged.Resource{
	Inputs: with(certificateInputs(), map[string]bridged.Input{
		"caCertPem":                {Type: bridged.String, Required: true},
		"certRequestPem":           {Type: bridged.String, Required: true},
		"caPrivateKeyPem":          {Type: bridged.String, Required: true, Secret: true},
		"caPrivateKeyPemWo":        {Refused: noWriteOnly + "caPrivateKeyPem"},
		"caPrivateKeyPemWoVersion": {Refused: noWriteOnly + "caPrivateKeyPem"},
	}),
	Outputs: certificateOutputs("caKeyAlgorithm"),
	Create:  createLocallySigned,
	Expired: expired, Refresh: refreshReady, Update: updateReady,
}

func createLocallySigned(ctx context.Context, in bridged.Values) (string, map[string]property.Value, error) {
	der, err := decode(in.Str("certRequestPem"), "CERTIFICATE REQUEST")
	if err != nil {
		return "", nil, fmt.Errorf("failed to parse certificate request PEM: %w", err)
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return "", nil, fmt.Errorf("failed to parse certificate request PEM: %w", err)
	}
	caKey, algorithm, err := parseKey(in.Str("caPrivateKeyPem"))
	if err != nil {
		return "", nil, fmt.Errorf("failed to parse CA private key PEM: %w", err)
	}
	if der, err = decode(in.Str("caCertPem"), "CERTIFICATE"); err != nil {
		return "", nil, fmt.Errorf("failed to parse CA certificate PEM: %w", err)
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return "", nil, fmt.Errorf("failed to parse CA certificate PEM: %w", err)
	}
	if !ca.IsCA {
		provider.GetLogger(ctx).Warning("potentially invalid certificate authority: the certificate provided as " +
			"authority does not appear to be one; the resulting certificate might fail validation")
	}
	id, out, err := issue(in, &x509.Certificate{
		Subject: request.Subject, DNSNames: request.DNSNames,
		IPAddresses: request.IPAddresses, URIs: request.URIs,
	}, ca, request.PublicKey, caKey)
	if err != nil {
		return "", nil, err
	}
	out["caKeyAlgorithm"] = property.New(algorithm)
	return id, out, nil
}

func decode(text, kind string) ([]byte, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("no PEM block; expected %s", kind)
	}
	if block.Type != kind {
		return nil, fmt.Errorf("invalid PEM type: expected %s, got %s", kind, block.Type)
	}
	return block.Bytes, nil
}
