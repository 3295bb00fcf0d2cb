package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// maxBody is how much of a request's body is read and given back.
const maxBody = 1 << 20

// secretHeaders never show in the log.
var secretHeaders = map[string]bool{
	"authorization":       true,
	"proxy-authorization": true,
	"cookie":              true,
	"set-cookie":          true,
	"x-api-key":           true,
}

type handler struct {
	config config
	// One writer at a time, so that log lines stay whole.
	mutex sync.Mutex
	log   io.Writer
}

func newHandler(config config, log io.Writer) http.Handler {
	return &handler{config: config, log: log}
}

func (h *handler) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	started := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(writer, request.Body, maxBody))
	if err != nil {
		h.finish(writer, request, started, http.StatusRequestEntityTooLarge, []byte("the body is too large\n"), nil)
		return
	}
	commands := readCommands(request, h.config.environment)
	if commands.delay > 0 {
		select {
		case <-time.After(commands.delay):
		case <-request.Context().Done():
			return
		}
	}
	if h.config.header {
		for _, header := range commands.headers {
			writer.Header().Add(header[0], header[1])
		}
	}
	var answer any = h.describe(request, body)
	if commands.body != nil {
		answer = parseText(*commands.body)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		h.finish(writer, request, started, http.StatusInternalServerError, []byte("no answer could be made\n"), nil)
		return
	}
	h.finish(writer, request, started, commands.code, text, answer)
}

func (h *handler) finish(
	writer http.ResponseWriter, request *http.Request, started time.Time, code int, text []byte, answer any,
) {
	if writer.Header().Get("Content-Type") == "" {
		kind := "text/plain; charset=utf-8"
		if answer != nil {
			kind = "application/json; charset=utf-8"
		}
		writer.Header().Set("Content-Type", kind)
	}
	writer.WriteHeader(code)
	if request.Method != http.MethodHead {
		_, _ = writer.Write(text)
	}
	h.record(request, code, time.Since(started))
}

// record writes one line about a request. Values that let someone in are left out.
func (h *handler) record(request *http.Request, code int, took time.Duration) {
	if !h.config.logs {
		return
	}
	headers := map[string]string{}
	for name, value := range flatten(request.Header) {
		if secretHeaders[name] {
			value = "***"
		}
		headers[name] = value
	}
	line, err := json.Marshal(map[string]any{
		"time":     time.Now().UTC().Format(time.RFC3339Nano),
		"method":   request.Method,
		"path":     request.URL.Path,
		"status":   code,
		"duration": fmt.Sprintf("%.1fms", float64(took.Microseconds())/1000),
		"ip":       clientAddress(request),
		"headers":  headers,
	})
	if err != nil {
		return
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	_, _ = h.log.Write(append(line, '\n'))
}

// describe is the answer without commands.
func (h *handler) describe(request *http.Request, body []byte) map[string]any {
	answer := map[string]any{}
	if h.config.host {
		answer["host"] = map[string]any{
			"hostname": hostname(request),
			"ip":       clientAddress(request),
			// Express fills these in only behind a proxy that it is told to trust.
			"ips": []string{},
		}
	}
	if h.config.http {
		answer["http"] = map[string]any{
			"method":      request.Method,
			"baseUrl":     "",
			"originalUrl": request.URL.RequestURI(),
			"protocol":    "http",
		}
	}
	if h.config.request {
		part := map[string]any{
			"params": map[string]any{"0": request.URL.Path},
			"query":  flatten(request.URL.Query()),
			"body":   parseBody(request, body),
		}
		headers := flatten(request.Header)
		headers["host"] = request.Host
		part["headers"] = headers
		// Express gives an empty list where cookies are off.
		part["cookies"] = []string{}
		if h.config.cookies {
			cookies := map[string]string{}
			for _, cookie := range request.Cookies() {
				cookies[cookie.Name] = cookie.Value
			}
			part["cookies"] = cookies
		}
		answer["request"] = part
	}
	if h.config.environment {
		environment := map[string]string{}
		for _, entry := range os.Environ() {
			name, value, _ := strings.Cut(entry, "=")
			environment[name] = value
		}
		answer["environment"] = environment
	}
	return answer
}

func parseBody(request *http.Request, body []byte) any {
	if len(body) == 0 {
		return map[string]any{}
	}
	var parsed any
	if strings.Contains(request.Header.Get("Content-Type"), "json") && json.Unmarshal(body, &parsed) == nil {
		return parsed
	}
	return string(body)
}

func clientAddress(request *http.Request) string {
	address, _, err := net.SplitHostPort(request.RemoteAddr)
	if err != nil {
		return request.RemoteAddr
	}
	return address
}

// hostname is the Host header without its port.
func hostname(request *http.Request) string {
	name, _, err := net.SplitHostPort(request.Host)
	if err != nil {
		return request.Host
	}
	return name
}

// flatten joins the values of each name, with names in lower case as Node.js shows them.
func flatten(values map[string][]string) map[string]string {
	flat := make(map[string]string, len(values))
	for name, list := range values {
		flat[strings.ToLower(name)] = strings.Join(list, ", ")
	}
	return flat
}

// parseText is the value that a JSON text stands for, or else the text.
func parseText(text string) any {
	var parsed any
	if json.Unmarshal([]byte(text), &parsed) == nil {
		return parsed
	}
	return text
}
