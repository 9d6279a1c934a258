package schemas

import (
	"errors"
	"regexp"
	"strings"
)

var (
	requestIDForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	jobIDForm     = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
)

// ParseRequestID reads an X-Request-ID: a UUID of version 4 and of the RFC
// 9562 variant, 36 characters. It answers in lower case, the form that is
// signed and stored.
func ParseRequestID(text string) (string, error) {
	id := strings.ToLower(text)
	if !requestIDForm.MatchString(id) {
		return "", errors.New(sayRequestID.en)
	}
	return id, nil
}

// ParseJobID reads a job id, a UUID of any version, and answers in lower case.
func ParseJobID(text string) (string, error) {
	id := strings.ToLower(text)
	if !jobIDForm.MatchString(id) {
		return "", errors.New("must be a UUID such as 550e8400-e29b-41d4-a716-446655440000, as a write answered it")
	}
	return id, nil
}
