package main

import (
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// maxDelay is the longest delay that a request may ask for.
const maxDelay = 30 * time.Second

// commands is what a request asks the answer to be. Values that are not allowed are passed over,
// as ealen/echo-server does.
type commands struct {
	code    int
	body    *string
	delay   time.Duration
	headers [][2]string
}

// readCommands takes commands from the query (echo_code) or from headers (X-ECHO-CODE); the query
// wins. Values of the environment are given away only where they are part of the answer too.
func readCommands(request *http.Request, environment bool) commands {
	query := request.URL.Query()
	value := func(name string) string {
		if text := query.Get("echo_" + name); text != "" {
			return text
		}
		return request.Header.Get("X-Echo-" + strings.ReplaceAll(name, "_", "-"))
	}
	result := commands{code: pickCode(value("code"))}
	if text := value("body"); text != "" {
		result.body = &text
	} else if name := value("env_body"); environment && name != "" {
		text := os.Getenv(name)
		result.body = &text
	}
	milliseconds, err := strconv.Atoi(value("time"))
	if delay := time.Duration(milliseconds) * time.Millisecond; err == nil && delay > 0 && delay <= maxDelay {
		result.delay = delay
	}
	for _, pair := range strings.Split(value("header"), ", ") {
		name, content, valid := strings.Cut(pair, ":")
		if name = strings.TrimSpace(name); valid && name != "" {
			result.headers = append(result.headers, [2]string{name, strings.TrimSpace(content)})
		}
	}
	return result
}

// pickCode reads a status code from 200 to 599; of several (200-404-500) it takes one at random.
func pickCode(text string) int {
	codes := strings.Split(text, "-")
	code, err := strconv.Atoi(codes[rand.IntN(len(codes))])
	if err != nil || code < 200 || code > 599 {
		return http.StatusOK
	}
	return code
}
