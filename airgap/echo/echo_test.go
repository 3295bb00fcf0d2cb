package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestReadConfig(t *testing.T) {
	got, err := readConfig(environment(nil))
	want := config{
		port: 80, host: true, http: true, request: true, cookies: true, environment: true, header: true, logs: true,
	}
	if err != nil || got != want {
		t.Errorf("defaults: got %+v, %v", got, err)
	}
	got, err = readConfig(environment(map[string]string{
		"PORT": "8080", "LOGS": "FALSE", "ENABLE__ENVIRONMENT": "false", "ENABLE__HOST": "true",
	}))
	want.port, want.logs, want.environment = 8080, false, false
	if err != nil || got != want {
		t.Errorf("set: got %+v, %v", got, err)
	}
	bad := map[string]string{"PORT": "http", "LOGS": "yes please", "ENABLE__HTTP": "2"}
	for name, value := range bad {
		_, err := readConfig(environment(map[string]string{name: value}))
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), value) {
			t.Errorf("%s=%s: got %v", name, value, err)
		}
	}
	for _, port := range []string{"0", "65536", "-1"} {
		if _, err := readConfig(environment(map[string]string{"PORT": port})); err == nil {
			t.Errorf("PORT=%s was accepted", port)
		}
	}
}

// ask sends a request to a server with that environment; it returns answer, body and log.
func ask(t *testing.T, values map[string]string, request *http.Request) (*http.Response, string, string) {
	t.Helper()
	config, err := readConfig(environment(values))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	recorder := httptest.NewRecorder()
	newHandler(config, &log).ServeHTTP(recorder, request)
	answer := recorder.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body), log.String()
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

func TestAnswer(t *testing.T) {
	request := httptest.NewRequest("POST", "http://app.local:8080/users/1?a=b&a=c", strings.NewReader(`{"n":1}`))
	request.RemoteAddr = "10.0.0.7:1234"
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Forwarded-Client-Cert", "By=spiffe://a;URI=spiffe://b")
	request.Header.Set("Cookie", "session=s3cret")
	answer, body, _ := ask(t, map[string]string{"ENABLE__ENVIRONMENT": "false"}, request)
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("got %d, %v", answer.StatusCode, answer.Header)
	}
	want := map[string]any{
		"host": map[string]any{"hostname": "app.local", "ip": "10.0.0.7", "ips": []any{}},
		"http": map[string]any{
			"method": "POST", "baseUrl": "", "originalUrl": "/users/1?a=b&a=c", "protocol": "http",
		},
		"request": map[string]any{
			"params":  map[string]any{"0": "/users/1"},
			"query":   map[string]any{"a": "b, c"},
			"cookies": map[string]any{"session": "s3cret"},
			"body":    map[string]any{"n": float64(1)},
			"headers": map[string]any{
				"host": "app.local:8080", "content-type": "application/json", "cookie": "session=s3cret",
				"x-forwarded-client-cert": "By=spiffe://a;URI=spiffe://b",
			},
		},
	}
	if got := decode(t, body); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestPartsCanBeSwitchedOff(t *testing.T) {
	for name, part := range map[string]string{
		"ENABLE__HOST": "host", "ENABLE__HTTP": "http", "ENABLE__REQUEST": "request", "ENABLE__ENVIRONMENT": "environment",
	} {
		_, body, _ := ask(t, map[string]string{name: "false"}, httptest.NewRequest("GET", "/", nil))
		if _, there := decode(t, body)[part]; there {
			t.Errorf("%s=false still shows %s", name, part)
		}
		_, body, _ = ask(t, nil, httptest.NewRequest("GET", "/", nil))
		if _, there := decode(t, body)[part]; !there {
			t.Errorf("%s is not shown by default", part)
		}
	}
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Cookie", "a=b")
	_, body, _ := ask(t, map[string]string{"ENABLE__COOKIES": "false"}, request)
	if !strings.Contains(body, `"cookies":[]`) {
		t.Errorf("cookies are shown: %s", body)
	}
}

func TestCommands(t *testing.T) {
	t.Setenv("GREETING", "hello")
	cases := []struct {
		name, query string
		headers     map[string]string
		values      map[string]string
		code        int
		body        string
		header      [2]string
	}{
		{name: "code by query", query: "echo_code=503", code: 503},
		{name: "code by header", headers: map[string]string{"X-ECHO-CODE": "404"}, code: 404},
		{name: "query wins", query: "echo_code=500", headers: map[string]string{"X-ECHO-CODE": "404"}, code: 500},
		{name: "one of several codes", query: "echo_code=418-418", code: 418},
		{name: "code that is not allowed", query: "echo_code=999", code: 200},
		{name: "code that is no number", query: "echo_code=oops", code: 200},
		{name: "body", query: "echo_body=amazing", code: 200, body: `"amazing"`},
		{name: "body of JSON", query: "echo_body=%7B%22a%22:1%7D", code: 200, body: `{"a":1}`},
		{name: "body of the environment", query: "echo_env_body=GREETING", code: 200, body: `"hello"`},
		{
			name: "header", query: "echo_header=X-One:1,%20X-Two:2:3", code: 200, header: [2]string{"X-Two", "2:3"},
		},
		{
			name: "header switched off", query: "echo_header=X-One:1", code: 200, header: [2]string{"X-One", ""},
			values: map[string]string{"ENABLE__HEADER": "false"},
		},
		{name: "header without a name", query: "echo_header=:1", code: 200},
		{name: "time that is too long", query: "echo_time=99999999", code: 200},
		{name: "time that is no number", query: "echo_time=soon", code: 200},
	}
	for _, each := range cases {
		request := httptest.NewRequest("GET", "/?"+each.query, nil)
		for name, value := range each.headers {
			request.Header.Set(name, value)
		}
		answer, body, _ := ask(t, each.values, request)
		if answer.StatusCode != each.code {
			t.Errorf("%s: got code %d, want %d", each.name, answer.StatusCode, each.code)
		}
		if each.body != "" && body != each.body {
			t.Errorf("%s: got body %s, want %s", each.name, body, each.body)
		}
		if each.header[0] != "" && answer.Header.Get(each.header[0]) != each.header[1] {
			t.Errorf("%s: got header %v", each.name, answer.Header)
		}
	}
}

func TestEnvironmentStaysHidden(t *testing.T) {
	t.Setenv("GREETING", "hello")
	request := httptest.NewRequest("GET", "/?echo_env_body=GREETING", nil)
	_, body, _ := ask(t, map[string]string{"ENABLE__ENVIRONMENT": "false"}, request)
	if strings.Contains(body, "hello") {
		t.Errorf("the environment is given away: %s", body)
	}
}

func TestDelay(t *testing.T) {
	started := time.Now()
	ask(t, nil, httptest.NewRequest("GET", "/?echo_time=80", nil))
	if took := time.Since(started); took < 80*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
}

func TestLargeBody(t *testing.T) {
	request := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("a", maxBody+1)))
	answer, _, _ := ask(t, nil, request)
	if answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d", answer.StatusCode)
	}
}

func TestLog(t *testing.T) {
	request := httptest.NewRequest("GET", "/users?token=in-the-query", nil)
	secrets := map[string]string{
		"Authorization": "Bearer abc123", "Cookie": "session=abc123", "X-Api-Key": "abc123",
	}
	for name, value := range secrets {
		request.Header.Set(name, value)
	}
	request.Header.Set("X-Request-Id", "r1")
	_, _, log := ask(t, nil, request)
	line := decode(t, log)
	if line["method"] != "GET" || line["path"] != "/users" || line["status"] != float64(200) {
		t.Errorf("got %s", log)
	}
	headers, _ := line["headers"].(map[string]any)
	if headers["x-request-id"] != "r1" || headers["authorization"] != "***" {
		t.Errorf("got %v", headers)
	}
	for _, secret := range []string{"abc123", "in-the-query"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log gives %q away: %s", secret, log)
		}
	}
	if strings.Count(log, "\n") != 1 {
		t.Errorf("not one line: %s", log)
	}
	_, _, log = ask(t, map[string]string{"LOGS": "false"}, httptest.NewRequest("GET", "/", nil))
	if log != "" {
		t.Errorf("LOGS=false still logs %s", log)
	}
}

func TestGracefulStop(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var once sync.Once
	entered := make(chan struct{})
	handler := http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		once.Do(func() { close(entered) })
		time.Sleep(100 * time.Millisecond)
		_, _ = writer.Write([]byte("complete"))
	})
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, handler) }()
	body := make(chan string, 1)
	go func() {
		answer, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			body <- err.Error()
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		body <- string(text)
	}()
	<-entered
	stop()
	if text := <-body; text != "complete" {
		t.Errorf("the running request got %q", text)
	}
	if err := <-served; err != nil {
		t.Errorf("serve ended with %v", err)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("the port is still open")
	}
}
