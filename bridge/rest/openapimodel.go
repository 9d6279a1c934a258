package rest

// The part of the OpenAPI 3.1 object model that the document uses
// (https://spec.openapis.org/oas/v3.1.1.html#schema-0). Where the standard
// allows an object or a reference to one, the field is an any.

type apiDocument struct {
	OpenAPI    string                             `json:"openapi"`
	Info       apiInfo                            `json:"info"`
	Servers    []apiServer                        `json:"servers"`
	Tags       []apiTag                           `json:"tags"`
	Paths      map[string]map[string]apiOperation `json:"paths"` // path, then method
	Components apiComponents                      `json:"components"`
}

type apiInfo struct {
	Title       string            `json:"title"`
	Version     string            `json:"version"`
	Description string            `json:"description"`
	Contact     map[string]string `json:"contact"`
	License     map[string]string `json:"license"`
}

type apiServer struct {
	URL         string `json:"url"`
	Description string `json:"description"`
}

type apiTag struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

type apiOperation struct {
	OperationID string                `json:"operationId"`
	Tags        []string              `json:"tags"`
	Summary     string                `json:"summary"`
	Description string                `json:"description"`
	Security    []map[string][]string `json:"security"` // empty, not absent, for a public route
	Parameters  []any                 `json:"parameters,omitempty"`
	RequestBody *apiBody              `json:"requestBody,omitempty"`
	Responses   map[string]any        `json:"responses"`
}

type apiParameter struct {
	Name        string `json:"name"`
	In          string `json:"in"`
	Required    bool   `json:"required,omitempty"`
	Description string `json:"description"`
	Schema      any    `json:"schema"`
	Example     any    `json:"example,omitempty"`
}

type apiBody struct {
	Required    bool                `json:"required"`
	Description string              `json:"description"`
	Content     map[string]apiMedia `json:"content"`
}

type apiMedia struct {
	Schema   any                   `json:"schema"`
	Examples map[string]apiExample `json:"examples,omitempty"`
}

type apiExample struct {
	Summary     string `json:"summary"`
	Description string `json:"description,omitempty"`
	Value       any    `json:"value"`
}

type apiResponse struct {
	Description string              `json:"description"`
	Headers     map[string]any      `json:"headers,omitempty"`
	Content     map[string]apiMedia `json:"content,omitempty"`
}

type apiHeader struct {
	Description string `json:"description"`
	Required    bool   `json:"required,omitempty"`
	Schema      any    `json:"schema"`
}

type apiComponents struct {
	Schemas         map[string]any          `json:"schemas"`
	Parameters      map[string]apiParameter `json:"parameters"`
	Headers         map[string]apiHeader    `json:"headers"`
	Responses       map[string]apiResponse  `json:"responses"`
	SecuritySchemes map[string]any          `json:"securitySchemes"`
}

// The places of the document a reference can point to.
const (
	toSchema    = "schemas"
	toParameter = "parameters"
	toHeader    = "headers"
	toResponse  = "responses"
)

// refer points to a component.
func refer(place, name string) map[string]string {
	return map[string]string{"$ref": "#/components/" + place + "/" + name}
}

// schema is a JSON Schema written by hand, for what no struct describes.
type schema = map[string]any
