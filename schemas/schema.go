package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	invopop "github.com/invopop/jsonschema"
	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
)

// RequestIDProperty is the schema of the member that the MCP write tools carry
// beside the payload: the X-Request-ID of that door.
const RequestIDProperty = `{"type":"string","format":"uuid","description":"UUID v4, one per intention; the same again to retry."}`

// Schema is one generated JSON Schema (2020-12) with its validator and the
// checks that no schema can express. The zero Schema accepts nothing. The
// validator is compiled when it is first needed: a door shows all schemas as
// soon as it starts, and validates later.
type Schema struct {
	name      string
	tree      *invopop.Schema
	text      json.RawMessage
	outline   json.RawMessage // of answers only
	validator func() (validator, error)
	checks    []check
}

// validator is a compiled schema.
type validator struct {
	*santhosh.Schema
	members map[string][]string // by schema location: the members allowed there, in order
}

// check looks for faults a schema cannot express. It must bear any value: it
// also runs on documents the schema refused.
type check func(payload map[string]any) []FieldError

type definition struct {
	name   string
	of     any
	shapes shapes
	checks []check
}

// inputs are what the six capabilities take, by operation name.
var inputs = []definition{
	{"get_product", GetProduct{}, inputShapes, nil},
	{"get_order", GetOrder{}, inputShapes, nil},
	{"get_job_status", GetJobStatus{}, inputShapes, nil},
	{"update_product", UpdateProduct{}, inputShapes, []check{checkUpdates}},
	{"import_products", ImportProducts{}, inputShapes, []check{checkItems, checkReferences}},
	{"update_order_status", UpdateOrderStatus{}, inputShapes, nil},
}

// outputs are what they answer.
var outputs = []definition{
	{"product", Product{}, outputShapes, nil},
	{"order", Order{}, outputShapes, nil},
	{"job", jobView{}, outputShapes, nil},
	{"acceptance", Acceptance{}, acceptanceShapes, nil},
}

var (
	allInputs  = sync.OnceValues(func() (map[string]Schema, error) { return generateAll(inputs) })
	allOutputs = sync.OnceValues(generateOutputs)
)

// Input gives the schema of what an operation takes: get_product, get_order,
// get_job_status, update_product, import_products or update_order_status. Of
// any other name it gives the zero Schema.
func Input(name string) Schema {
	all, _ := allInputs()
	return all[name]
}

// Output gives the schema of an answer: product, order, job or acceptance. Of
// any other name it gives the zero Schema.
func Output(name string) Schema {
	all, _ := allOutputs()
	return all[name]
}

// InputNames lists the schemas of the operations in the order of the contract.
func InputNames() []string { return namesOf(inputs) }

// OutputNames lists the schemas of the answers.
func OutputNames() []string { return namesOf(outputs) }

func namesOf(definitions []definition) []string {
	var names []string
	for _, d := range definitions {
		names = append(names, d.name)
	}
	return names
}

// Ready generates and compiles everything and reports what cannot be, which
// only a change of this package can cause: a test and the program's checks ask
// it, so that no request has to.
func Ready() error {
	inputs, err := allInputs()
	if err != nil {
		return err
	}
	outputs, err := allOutputs()
	if err != nil {
		return err
	}
	for _, all := range []map[string]Schema{inputs, outputs} {
		for _, s := range all {
			if _, err := s.validator(); err != nil {
				return err
			}
		}
	}
	return nil
}

func generateAll(definitions []definition) (map[string]Schema, error) {
	all := map[string]Schema{}
	for _, d := range definitions {
		s, err := generate(d.name, reflectShape(d.of, d.shapes), d.checks)
		if err != nil {
			return nil, err
		}
		all[d.name] = s
	}
	return all, nil
}

func generateOutputs() (map[string]Schema, error) {
	all, err := generateAll(outputs)
	for name, s := range all {
		if s.outline, err = json.Marshal(outline(s.tree)); err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		all[name] = s
	}
	return all, err
}

func generate(name string, tree *invopop.Schema, checks []check) (Schema, error) {
	text, err := json.Marshal(tree)
	if err != nil {
		return Schema{}, fmt.Errorf("schema %s: %w", name, err)
	}
	compiled := sync.OnceValues(func() (validator, error) {
		v, err := compile(name, tree, text)
		if err != nil {
			return v, fmt.Errorf("schema %s: %w", name, err)
		}
		return v, nil
	})
	return Schema{name: name, tree: tree, text: text, validator: compiled, checks: checks}, nil
}

func compile(name string, tree *invopop.Schema, text json.RawMessage) (validator, error) {
	resource, err := santhosh.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return validator{}, err
	}
	compiler := santhosh.NewCompiler()
	compiler.DefaultDraft(santhosh.Draft2020)
	compiler.AssertFormat()
	location := "bridge:///schemas/" + name
	if err := compiler.AddResource(location, resource); err != nil {
		return validator{}, err
	}
	compiled, err := compiler.Compile(location)
	if err != nil {
		return validator{}, err
	}
	v := validator{Schema: compiled, members: map[string][]string{}}
	v.collectMembers(tree, compiled)
	return v, nil
}

// collectMembers walks the generated and the compiled tree together: only the
// first knows the order of members, only the second their locations.
func (v validator) collectMembers(tree *invopop.Schema, compiled *santhosh.Schema) {
	if tree.Properties != nil {
		v.members[compiled.Location] = slices.Collect(tree.Properties.KeysFromOldest())
		for name, property := range tree.Properties.FromOldest() {
			v.collectMembers(property, compiled.Properties[name])
		}
	}
	if tree.Items != nil {
		v.collectMembers(tree.Items, compiled.Items2020)
	}
	for pattern, value := range compiled.PatternProperties {
		v.collectMembers(tree.PatternProperties[pattern.String()], value)
	}
}

// Name is the name Input or Output knows the schema by, "" for the zero Schema.
func (s Schema) Name() string { return s.name }

// JSON is the schema, minified and the same on every run. Do not change the
// bytes; null for the zero Schema.
func (s Schema) JSON() json.RawMessage {
	if s.text == nil {
		return json.RawMessage("null")
	}
	return s.text
}

// Outline is the schema of an answer as a tool list carries it: what is inside
// the answer's members is named and typed, but neither closed nor listed as
// required, a quarter of the bytes every agent would have to read. It
// accepts whatever JSON accepts.
func (s Schema) Outline() json.RawMessage {
	if s.outline == nil {
		return s.JSON()
	}
	return s.outline
}

// WithProperty derives a schema with one more top-level member, described by a
// JSON Schema object. A door derives when it starts, not per request.
func (s Schema) WithProperty(name, property string, required bool) (Schema, error) {
	if s.tree == nil {
		return Schema{}, fmt.Errorf("schema: nothing to add %q to", name)
	}
	added := new(invopop.Schema)
	if err := json.Unmarshal([]byte(property), added); err != nil {
		return Schema{}, fmt.Errorf("schema %s, property %s: %w", s.name, name, err)
	}
	tree := *s.tree
	tree.Properties = invopop.NewProperties()
	for existing, its := range s.tree.Properties.FromOldest() {
		tree.Properties.Set(existing, its)
	}
	tree.Properties.Set(name, added)
	tree.Required = slices.Clone(s.tree.Required)
	if required && !slices.Contains(tree.Required, name) {
		tree.Required = append(tree.Required, name)
	}
	return generate(s.name, &tree, s.checks)
}

// WithRequestID derives the schema of an MCP write tool: the payload plus a
// required request_id, a UUID of version 4.
func (s Schema) WithRequestID() (Schema, error) {
	derived, err := s.WithProperty("request_id", RequestIDProperty, true)
	derived.checks = append(slices.Clone(s.checks), checkRequestID)
	return derived, err
}
