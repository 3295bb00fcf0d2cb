package tls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RFC 5280 key identifiers
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"bankmesh/airgap/plugins/internal/bridged"
)

// now is the clock; tests set it.
var now = time.Now

// emailAddress is the attribute of a distinguished name, from PKCS#9.
var emailAddress = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}

func distinguishedName(in bridged.Values) pkix.Name {
	one := func(name string) []string {
		if s := in.Str(name); s != "" {
			return []string{s}
		}
		return nil
	}
	name := pkix.Name{
		CommonName:         in.Str("commonName"),
		SerialNumber:       in.Str("serialNumber"),
		Country:            one("country"),
		Locality:           one("locality"),
		Organization:       one("organization"),
		OrganizationalUnit: one("organizationalUnit"),
		PostalCode:         one("postalCode"),
		Province:           one("province"),
		StreetAddress:      in.Strings("streetAddresses"),
	}
	if email := in.Str("emailAddress"); email != "" {
		name.ExtraNames = append(name.ExtraNames, pkix.AttributeTypeAndValue{
			Type: emailAddress, Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(email)},
		})
	}
	return name
}

// alternativeNames reads ipAddresses and uris.
func alternativeNames(in bridged.Values) (ips []net.IP, uris []*url.URL, err error) {
	for _, text := range in.Strings("ipAddresses") {
		ip := net.ParseIP(text)
		if ip == nil {
			return nil, nil, fmt.Errorf("ipAddresses: %q is no IP address", text)
		}
		ips = append(ips, ip)
	}
	for _, text := range in.Strings("uris") {
		uri, err := url.Parse(text)
		if err != nil {
			return nil, nil, fmt.Errorf("uris: %w", err)
		}
		uris = append(uris, uri)
	}
	return ips, uris, nil
}

// issue completes a template by the certificate inputs, signs it and returns its id and outputs.
// Without a parent the certificate signs itself.
func issue(
	in bridged.Values, template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer,
) (string, map[string]property.Value, error) {
	var err error
	template.BasicConstraintsValid = true
	template.NotBefore = now()
	template.NotAfter = template.NotBefore.Add(time.Duration(in.Int("validityPeriodHours")) * time.Hour)
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128)); err != nil {
		return "", nil, err
	}
	for _, use := range in.Strings("allowedUses") {
		if usage, ok := keyUsages[use]; ok {
			template.KeyUsage |= usage
		}
		if usage, ok := extendedKeyUsages[use]; ok {
			template.ExtKeyUsage = append(template.ExtKeyUsage, usage)
		}
	}
	if in.Bool("isCaCertificate") {
		if len(template.Subject.ToRDNSequence()) == 0 {
			return "", nil, errors.New("invalid certificate subject: " +
				"must contain at least one Distinguished Name when creating Certificate Authority (CA)")
		}
		template.IsCA = true
		if length := in.Int("maxPathLength"); length >= 0 {
			template.MaxPathLen, template.MaxPathLenZero = length, length == 0
		}
	}
	if in.Bool("isCaCertificate") || in.Bool("setSubjectKeyId") {
		if template.SubjectKeyId, err = keyID(public); err != nil {
			return "", nil, err
		}
	}
	if parent == nil {
		parent = template
	}
	if in.Bool("setAuthorityKeyId") {
		if len(parent.SubjectKeyId) == 0 {
			return "", nil, errors.New("invalid certificate authority: could not determine Authority Key Identifier; " +
				"set setSubjectKeyId too")
		}
		template.AuthorityKeyId = parent.SubjectKeyId
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return "", nil, fmt.Errorf("failed to create certificate: %w", err)
	}
	return template.SerialNumber.String(), map[string]property.Value{
		"certPem":           property.New(encode("CERTIFICATE", der)),
		"validityStartTime": property.New(template.NotBefore.Format(time.RFC3339Nano)),
		"validityEndTime":   property.New(template.NotAfter.Format(time.RFC3339Nano)),
		"readyForRenewal":   property.New(bornReady(in)),
	}, nil
}

// keyID is the SHA-1 of the public key, without its algorithm.
func keyID(public crypto.PublicKey) ([]byte, error) {
	var b []byte
	var err error
	switch k := public.(type) {
	case *rsa.PublicKey:
		b = x509.MarshalPKCS1PublicKey(k)
	case *ecdsa.PublicKey:
		b, err = k.Bytes()
	case ed25519.PublicKey:
		// An OCTET STRING and not the bare key, as the official provider does.
		b, err = asn1.Marshal([]byte(k))
	default:
		err = fmt.Errorf("keys of type %T are not supported", public)
	}
	sum := sha1.Sum(b) //nolint:gosec // RFC 5280 key identifiers
	return sum[:], err
}

// bornReady says whether a certificate is ready for renewal from its first moment on.
func bornReady(in bridged.Values) bool {
	return in.Int("validityPeriodHours") == 0 || in.Int("earlyRenewalHours") >= in.Int("validityPeriodHours")
}

// due says whether the time of early renewal has come.
func due(state bridged.Values) bool {
	end, err := time.Parse(time.RFC3339, state.Str("validityEndTime"))
	if err != nil {
		return false
	}
	return !now().Before(end.Add(-time.Duration(state.Int("earlyRenewalHours")) * time.Hour))
}

// expired is what makes the next update replace a certificate.
func expired(state bridged.Values) string {
	if due(state) {
		return "readyForRenewal"
	}
	return ""
}

func refreshReady(state bridged.Values) map[string]property.Value {
	if due(state) {
		return map[string]property.Value{"readyForRenewal": property.New(true)}
	}
	return nil
}

func updateReady(planned bridged.Values) map[string]property.Value {
	return map[string]property.Value{"readyForRenewal": property.New(bornReady(planned))}
}
