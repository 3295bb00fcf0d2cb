// Package tls stands in for the Pulumi TLS provider 5.6.1: private keys, self-signed and locally
// signed certificates, and certificate requests.
package tls

import (
	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"bankmesh/airgap/plugins/internal/bridged"
)

// Provider is the whole plugin.
func Provider() provider.Provider {
	return bridged.Provider("tls", map[string]bridged.Resource{
		"tls:index/privateKey:PrivateKey":               privateKey,
		"tls:index/selfSignedCert:SelfSignedCert":       selfSignedCert,
		"tls:index/certRequest:CertRequest":             certRequest,
		"tls:index/locallySignedCert:LocallySignedCert": locallySignedCert,
	})
}

const noWriteOnly = "write-only keys are not implemented by the tls plugin of the air-gapped route; use "

var subject = bridged.Input{Type: bridged.Object, Fields: map[string]bridged.Input{
	"commonName": {Type: bridged.String}, "country": {Type: bridged.String},
	"emailAddress": {Type: bridged.String}, "locality": {Type: bridged.String},
	"organization": {Type: bridged.String}, "organizationalUnit": {Type: bridged.String},
	"postalCode": {Type: bridged.String}, "province": {Type: bridged.String},
	"serialNumber": {Type: bridged.String}, "streetAddresses": {Type: bridged.StringList},
}}

// ownerInputs are those of what is made for the owner of a private key.
func ownerInputs() map[string]bridged.Input {
	return map[string]bridged.Input{
		"dnsNames":               {Type: bridged.StringList},
		"ipAddresses":            {Type: bridged.StringList, Valid: noneEmpty},
		"uris":                   {Type: bridged.StringList, Valid: noneEmpty},
		"subject":                subject,
		"privateKeyPem":          {Type: bridged.String, Required: true, Secret: true},
		"privateKeyPemWo":        {Refused: noWriteOnly + "privateKeyPem"},
		"privateKeyPemWoVersion": {Refused: noWriteOnly + "privateKeyPem"},
	}
}

// certificateInputs are those of every certificate.
func certificateInputs() map[string]bridged.Input {
	return map[string]bridged.Input{
		"allowedUses":         {Type: bridged.StringList, Required: true, Valid: bridged.OneOf(usageNames...)},
		"validityPeriodHours": {Type: bridged.Integer, Required: true, Valid: bridged.AtLeast(0)},
		"earlyRenewalHours":   {Type: bridged.Integer, Default: 0.0, Valid: bridged.AtLeast(0), InPlace: true},
		"isCaCertificate":     {Type: bridged.Bool, Default: false},
		"maxPathLength":       {Type: bridged.Integer, Default: -1.0, Valid: bridged.AtLeast(-1)},
		"setSubjectKeyId":     {Type: bridged.Bool, Default: false},
	}
}

// certificateOutputs are the computed outputs of every certificate.
func certificateOutputs(algorithm string) map[string]bool {
	return map[string]bool{
		"certPem": false, algorithm: false, "readyForRenewal": false,
		"validityStartTime": false, "validityEndTime": false,
	}
}

func with(base map[string]bridged.Input, more map[string]bridged.Input) map[string]bridged.Input {
	for name, in := range more {
		base[name] = in
	}
	return base
}

func noneEmpty(v property.Value) string {
	if v.IsArray() {
		for _, item := range v.AsArray().All {
			if item.IsString() && item.AsString() == "" {
				return "values must not be empty"
			}
		}
	}
	return ""
}
