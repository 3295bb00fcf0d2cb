package main

import (
	"fmt"
	"strconv"
	"strings"
)

// config is what the environment says.
type config struct {
	port int
	// Parts of the answer.
	host, http, request, cookies, environment bool
	// Whether a request may ask for headers in the answer.
	header bool
	// One JSON line for each request.
	logs bool
}

// readConfig reads the environment; variables and defaults are those of ealen/echo-server.
func readConfig(get func(string) string) (config, error) {
	result := config{port: 80}
	if text := get("PORT"); text != "" {
		port, err := strconv.Atoi(text)
		if err != nil || port < 1 || port > 65535 {
			return config{}, fmt.Errorf("PORT is %q: it has to be a number from 1 to 65535", text)
		}
		result.port = port
	}
	switches := []struct {
		name     string
		fallback bool
		value    *bool
	}{
		{"ENABLE__HOST", true, &result.host},
		{"ENABLE__HTTP", true, &result.http},
		{"ENABLE__REQUEST", true, &result.request},
		{"ENABLE__COOKIES", true, &result.cookies},
		{"ENABLE__HEADER", true, &result.header},
		{"ENABLE__ENVIRONMENT", true, &result.environment},
		{"LOGS", true, &result.logs},
	}
	for _, each := range switches {
		*each.value = each.fallback
		text := get(each.name)
		if text == "" {
			continue
		}
		enabled, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return config{}, fmt.Errorf("%s is %q: it has to be true or false", each.name, text)
		}
		*each.value = enabled
	}
	return result, nil
}
