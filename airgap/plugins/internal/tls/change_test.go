package tls

import (
	"reflect"
	"testing"
	"time"

	provider "github.com/pulumi/pulumi-go-provider"

	"bankmesh/airgap/plugins/internal/plugintest"
)

func TestDiffOfKeys(t *testing.T) {
	r := create(t, keyToken, map[string]any{"algorithm": "ECDSA", "ecdsaCurve": "P256"})
	for name, c := range map[string]struct {
		inputs map[string]any
		want   map[string]provider.DiffKind
	}{
		"nothing":      {map[string]any{"algorithm": "ECDSA", "ecdsaCurve": "P256"}, map[string]provider.DiffKind{}},
		"default said": {map[string]any{"algorithm": "ECDSA", "ecdsaCurve": "P256", "rsaBits": 2048}, map[string]provider.DiffKind{}},
		"curve":        {map[string]any{"algorithm": "ECDSA", "ecdsaCurve": "P384"}, map[string]provider.DiffKind{"ecdsaCurve": provider.UpdateReplace}},
		"curve gone":   {map[string]any{"algorithm": "ECDSA"}, map[string]provider.DiffKind{"ecdsaCurve": provider.UpdateReplace}},
		"bits":         {map[string]any{"algorithm": "ECDSA", "ecdsaCurve": "P256", "rsaBits": 4096}, map[string]provider.DiffKind{"rsaBits": provider.UpdateReplace}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := r.Diff(plugintest.Map(t, c.inputs)); !reflect.DeepEqual(got, c.want) {
				t.Errorf("diff %v, want %v", got, c.want)
			}
		})
	}
}

func TestDiffOfCertificates(t *testing.T) {
	key := newKey(t, "ECDSA", "P256")
	base := func() map[string]any {
		return map[string]any{"privateKeyPem": key, "validityPeriodHours": 10, "allowedUses": []any{"server_auth", "client_auth"},
			"subject": map[string]any{"commonName": "a"}, "dnsNames": []any{"a"}}
	}
	r := create(t, selfToken, base())
	replace, add, gone := provider.UpdateReplace, provider.AddReplace, provider.DeleteReplace
	for name, c := range map[string]struct {
		set  map[string]any
		want map[string]provider.DiffKind
	}{
		"nothing":       {nil, map[string]provider.DiffKind{}},
		"key":           {map[string]any{"privateKeyPem": newKey(t, "ECDSA", "P256")}, map[string]provider.DiffKind{"privateKeyPem": replace}},
		"key unknown":   {map[string]any{"privateKeyPem": plugintest.Unknown}, map[string]provider.DiffKind{"privateKeyPem": replace}},
		"hours":         {map[string]any{"validityPeriodHours": 11}, map[string]provider.DiffKind{"validityPeriodHours": replace}},
		"use":           {map[string]any{"allowedUses": []any{"server_auth"}}, map[string]provider.DiffKind{"allowedUses[1]": gone}},
		"name":          {map[string]any{"subject": map[string]any{"commonName": "b"}}, map[string]provider.DiffKind{"subject.commonName": replace}},
		"DNS name more": {map[string]any{"dnsNames": []any{"a", "b"}}, map[string]provider.DiffKind{"dnsNames[1]": add}},
		"DNS name none": {map[string]any{"dnsNames": nil}, map[string]provider.DiffKind{"dnsNames": gone}},
		"address":       {map[string]any{"ipAddresses": []any{"::1"}}, map[string]provider.DiffKind{"ipAddresses": add}},
		"CA":            {map[string]any{"isCaCertificate": true}, map[string]provider.DiffKind{"isCaCertificate": replace}},
		"renewal":       {map[string]any{"earlyRenewalHours": 2}, map[string]provider.DiffKind{"earlyRenewalHours": provider.Update}},
		"renewal due":   {map[string]any{"earlyRenewalHours": 10}, map[string]provider.DiffKind{"earlyRenewalHours": provider.Update, "readyForRenewal": replace}},
	} {
		t.Run(name, func(t *testing.T) {
			values := base()
			for k, v := range c.set {
				if values[k] = v; v == nil {
					delete(values, k)
				}
			}
			if got := r.Diff(plugintest.Map(t, values)); !reflect.DeepEqual(got, c.want) {
				t.Errorf("diff %v, want %v", got, c.want)
			}
		})
	}
}

func at(t *testing.T, when time.Time) {
	now = func() time.Time { return when }
	t.Cleanup(func() { now = time.Now })
}

func TestRenewal(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at(t, start)
	values := map[string]any{"privateKeyPem": newKey(t, "ECDSA", "P256"), "validityPeriodHours": 100, "earlyRenewalHours": 10,
		"allowedUses": []any{"server_auth"}}
	r := create(t, selfToken, values)
	inputs := plugintest.Map(t, values)
	if got := r.Str("validityEndTime"); got != "2026-01-05T04:00:00Z" {
		t.Errorf("end %s", got)
	}
	at(t, start.Add(90*time.Hour-time.Second))
	if r.Refresh().Get("readyForRenewal").AsBool() || len(r.Diff(inputs)) != 0 {
		t.Error("ready too early")
	}
	at(t, start.Add(90*time.Hour))
	if got := r.Diff(inputs); !reflect.DeepEqual(got, map[string]provider.DiffKind{"readyForRenewal": provider.UpdateReplace}) {
		t.Errorf("diff %v: an update has to renew", got)
	}
	if !r.Refresh().Get("readyForRenewal").AsBool() {
		t.Error("refresh does not see that it is ready")
	}
	if got := r.Diff(inputs); got["readyForRenewal"] != provider.UpdateReplace {
		t.Errorf("diff after refresh %v", got)
	}
}

func TestEarlyRenewalChangesInPlace(t *testing.T) {
	values := map[string]any{"privateKeyPem": newKey(t, "ECDSA", "P256"), "validityPeriodHours": 100, "allowedUses": []any{"server_auth"}}
	r := create(t, selfToken, values)
	before := r.Str("certPem")
	values["earlyRenewalHours"] = 5
	if out := r.Update(plugintest.Map(t, values), true); out.Get("certPem").AsString() != before {
		t.Error("a preview of the update does not keep the certificate")
	}
	out := r.Update(plugintest.Map(t, values), false)
	if out.Get("certPem").AsString() != before || out.Get("earlyRenewalHours").AsNumber() != 5 || r.State.Get("id").AsString() != r.ID {
		t.Errorf("state %#v", out)
	}
	if len(r.Diff(plugintest.Map(t, values))) != 0 {
		t.Error("a difference is left")
	}
	if born := create(t, selfToken, map[string]any{"privateKeyPem": newKey(t, "ECDSA", "P256"), "validityPeriodHours": 1,
		"earlyRenewalHours": 1, "allowedUses": []any{}}); !born.State.Get("readyForRenewal").AsBool() {
		t.Error("a certificate that is always ready is not")
	}
}

func TestImportIsRefused(t *testing.T) {
	r := plugintest.New(t, Provider(), keyToken)
	_, err := r.Server.Read(provider.ReadRequest{ID: "x", Urn: r.URN})
	wantAll(t, err.Error(), "cannot be imported")
}

func TestDeleteAndCancel(t *testing.T) {
	r := create(t, keyToken, map[string]any{"algorithm": "ED25519"})
	if err := r.Delete(); err != nil {
		t.Error(err)
	}
	if err := r.Server.Cancel(); err != nil {
		t.Error(err)
	}
}
