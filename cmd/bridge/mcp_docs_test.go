package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hostConfig is what hosts read of a server: under mcpServers, or under servers
// in VS Code.
type hostConfig struct {
	MCPServers map[string]hostServer `json:"mcpServers"`
	Servers    map[string]hostServer `json:"servers"`
	Inputs     []struct{ Type, ID, Description string }
}

type hostServer struct {
	Type    string
	Command string
	Args    []string
	Env     map[string]string
	URL     string
	Headers map[string]string
}

// The snippets that people copy: every flag is one of bridge mcp, every
// variable a setting, every address the endpoint's.
func TestHostConfigurations(t *testing.T) {
	for _, page := range []string{"../../docs/mcp.md", "../../README.md"} {
		text := readPage(t, page)
		found := 0
		for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(text, -1) {
			var config hostConfig
			if err := json.Unmarshal([]byte(block[1]), &config); err != nil {
				t.Errorf("%s: %v in\n%s", page, err, block[1])
				continue
			}
			for _, servers := range []map[string]hostServer{config.MCPServers, config.Servers} {
				for _, s := range servers {
					found++
					s.check(t, config)
				}
			}
		}
		for _, line := range regexp.MustCompile(`bridge (mcp(?: [^\s)`+"`"+`]+)*)`).FindAllStringSubmatch(text, -1) {
			checkFlags(t, strings.Fields(line[1]))
		}
		if found == 0 {
			t.Errorf("%s has no configuration", page)
		}
	}
}

func (s hostServer) check(t *testing.T, config hostConfig) {
	t.Helper()
	if (s.Command == "") == (s.URL == "") {
		t.Errorf("%+v must have either a command or a url", s)
	}
	if s.URL != "" && (!strings.HasPrefix(s.URL, "https://") || !strings.HasSuffix(s.URL, "/mcp") || s.Type != "" && s.Type != "http") {
		t.Errorf("%q of type %q is not the endpoint", s.URL, s.Type)
	}
	if s.Command != "" {
		checkFlags(t, s.Args)
	}
	for name := range s.Env {
		if !slices.ContainsFunc(settings, func(known setting) bool { return known.name == name }) {
			t.Errorf("%s is no setting", name)
		}
	}
	for _, values := range []map[string]string{s.Env, s.Headers} {
		for name, value := range values {
			if id, asked := strings.CutPrefix(value[strings.LastIndex(value, " ")+1:], "${input:"); asked &&
				!slices.ContainsFunc(config.Inputs, func(in struct{ Type, ID, Description string }) bool { return in.ID+"}" == id }) {
				t.Errorf("%s: nobody is asked for %s", name, value)
			}
		}
	}
}

// checkFlags holds the arguments of a call to what bridge mcp takes.
func checkFlags(t *testing.T, args []string) {
	t.Helper()
	var help bytes.Buffer
	run(t.Context(), process{args: []string{"mcp", "--help"}, getenv: environment(nil), stdin: strings.NewReader(""), stdout: &help, stderr: &help})
	if len(args) == 0 || args[0] != "mcp" {
		t.Errorf("%q does not run bridge mcp", args)
		return
	}
	for _, arg := range args[1:] {
		if name, isFlag := strings.CutPrefix(arg, "--"); isFlag && !regexp.MustCompile(`(?m)^  -`+regexp.QuoteMeta(name)+`\b`).MatchString(help.String()) {
			t.Errorf("bridge mcp has no flag --%s:\n%s", name, help.String())
		}
	}
}

func readPage(t *testing.T, path string) string {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// registryEntry is server.json of the MCP registries, schema 2025-12-11, as far
// as this project uses it. Any other member is a mistake.
type registryEntry struct {
	Schema      string `json:"$schema"`
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Version     string `json:"version"`
	WebsiteURL  string `json:"websiteUrl"`
	Repository  struct {
		URL    string `json:"url"`
		Source string `json:"source"`
	} `json:"repository"`
	Remotes []struct {
		Type      string                   `json:"type"`
		URL       string                   `json:"url"`
		Variables map[string]registryInput `json:"variables"`
		Headers   []struct {
			Name string `json:"name"`
			registryInput
		} `json:"headers"`
	} `json:"remotes"`
}

type registryInput struct {
	Description string `json:"description"`
	IsRequired  bool   `json:"isRequired"`
	IsSecret    bool   `json:"isSecret"`
	Placeholder string `json:"placeholder"`
}

func TestRegistryEntry(t *testing.T) {
	var entry registryEntry
	decoder := json.NewDecoder(strings.NewReader(readPage(t, "../../server.json")))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&entry); err != nil {
		t.Fatal(err)
	}
	if entry.Version != version {
		t.Errorf("version %s, the program's is %s", entry.Version, version)
	}
	for name, ok := range map[string]bool{
		"$schema":     entry.Schema == "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
		"name":        regexp.MustCompile(`^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$`).MatchString(entry.Name) && len(entry.Name) <= 200,
		"title":       entry.Title != "" && len(entry.Title) <= 100,
		"description": entry.Description != "" && len(entry.Description) <= 100,
		"repository":  strings.HasPrefix(entry.Repository.URL, "https://") && entry.Repository.Source == "github",
		"websiteUrl":  strings.HasPrefix(entry.WebsiteURL, entry.Repository.URL),
		"remotes":     len(entry.Remotes) > 0,
	} {
		if !ok {
			t.Errorf("%s is not as the schema wants it", name)
		}
	}
	for _, remote := range entry.Remotes {
		if remote.Type != "streamable-http" || !regexp.MustCompile(`^https://\S+/mcp$`).MatchString(remote.URL) {
			t.Errorf("remote %+v", remote)
		}
		for _, variable := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(remote.URL, -1) {
			if _, told := remote.Variables[variable[1]]; !told {
				t.Errorf("%s has no variable %s", remote.URL, variable[1])
			}
		}
		for _, header := range remote.Headers {
			if header.Name == "Authorization" && !header.IsSecret {
				t.Error("a token is a secret")
			}
		}
	}
}
