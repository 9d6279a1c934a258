package schemas

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"

	invopop "github.com/invopop/jsonschema"
)

// languagePattern is a PrestaShop language iso code: en, fr, zh-cn.
const languagePattern = `^[a-z]{2}(-[a-z]{2})?$`

// maxDescription is the length of a product description in characters. The
// shop's column is larger; nothing honest is.
const maxDescription = 65535

// shapes are the schemas that Go types cannot say by themselves.
type shapes map[reflect.Type]func() *invopop.Schema

// inputShapes bound what may be sent.
var inputShapes = shapes{
	reflect.TypeFor[Money]():         price,
	reflect.TypeFor[LocalizedName](): func() *invopop.Schema { return byLanguage(text(1, 128)) },
	reflect.TypeFor[LocalizedText](): func() *invopop.Schema { return byLanguage(text(0, maxDescription)) },
	reflect.TypeFor[LocalizedSEO]():  func() *invopop.Schema { return byLanguage(reflectShape(SEO{}, nil)) },
}

// outputShapes describe what is answered; the shop's amounts may be negative.
var outputShapes = shapes{
	reflect.TypeFor[Money]():           func() *invopop.Schema { return &invopop.Schema{Type: "number"} },
	reflect.TypeFor[Verdict]():         verdict,
	reflect.TypeFor[JobStatus]():       jobStatus,
	reflect.TypeFor[json.RawMessage](): anything,
	reflect.TypeFor[time.Time]():       func() *invopop.Schema { return &invopop.Schema{Type: "string", Format: "date-time"} },
}

// acceptanceShapes leave the list of statuses to the job's own schema: an
// acceptance is in the tool list three times.
var acceptanceShapes = shapes{
	reflect.TypeFor[Verdict]():         verdict,
	reflect.TypeFor[json.RawMessage](): anything,
}

// reflectShape generates the schema of a struct: one inline tree without $id,
// $defs or $schema (2020-12 is the default of MCP and of OpenAPI 3.1), closed
// at every level.
func reflectShape(of any, special shapes) *invopop.Schema {
	reflector := invopop.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true,
		Mapper: func(t reflect.Type) *invopop.Schema {
			if shape, ok := special[t]; ok {
				return shape()
			}
			return nil
		},
	}
	tree := reflector.Reflect(of)
	tree.Version = ""
	flattenNullable(tree)
	return tree
}

// flattenNullable turns the generator's oneOf[X, null] into X with two types:
// half the bytes, and one error instead of three for a bad value.
func flattenNullable(s *invopop.Schema) {
	if len(s.OneOf) == 2 && s.OneOf[1].Type == "null" {
		*s = *s.OneOf[0]
		s.Extras = map[string]any{"type": []string{s.Type, "null"}}
		s.Type = ""
	}
	if s.Items != nil {
		flattenNullable(s.Items)
	}
	if s.Properties != nil {
		for property := range s.Properties.ValuesFromOldest() {
			flattenNullable(property)
		}
	}
}

// outline copies a tree without the closing, the required lists and the
// formats of what is inside its members.
func outline(s *invopop.Schema) *invopop.Schema {
	out := *s
	if s.Properties != nil {
		out.Properties = invopop.NewProperties()
		for name, property := range s.Properties.FromOldest() {
			out.Properties.Set(name, opened(property))
		}
	}
	return &out
}

func opened(s *invopop.Schema) *invopop.Schema {
	out := outline(s)
	out.Required, out.Format = nil, ""
	if s.Properties != nil {
		out.AdditionalProperties = nil
	} else if s.AdditionalProperties != nil {
		out.AdditionalProperties = opened(s.AdditionalProperties)
	}
	if s.Items != nil {
		out.Items = opened(s.Items)
	}
	return out
}

func price() *invopop.Schema {
	return &invopop.Schema{Type: "number", Minimum: "0", Maximum: json.Number(strconv.Itoa(MaxPrice))}
}

func text(shortest, longest uint64) *invopop.Schema {
	s := &invopop.Schema{Type: "string", MaxLength: &longest}
	if shortest > 0 {
		s.MinLength = &shortest
	}
	return s
}

// byLanguage is an object keyed by language. The keys are a patternProperties,
// not a propertyNames, because the validator reports the latter without
// saying where.
func byLanguage(value *invopop.Schema) *invopop.Schema {
	return &invopop.Schema{
		Type:                 "object",
		PatternProperties:    map[string]*invopop.Schema{languagePattern: value},
		AdditionalProperties: invopop.FalseSchema,
		MinProperties:        atLeastOne(),
	}
}

func atLeastOne() *uint64 {
	one := uint64(1)
	return &one
}

func verdict() *invopop.Schema {
	return &invopop.Schema{Extras: map[string]any{"type": []string{"boolean", "null"}}}
}

func jobStatus() *invopop.Schema {
	s := &invopop.Schema{Type: "string"}
	for _, status := range JobStatuses {
		s.Enum = append(s.Enum, status)
	}
	return s
}

// anything is {} and not true: some MCP clients want each property's schema
// to be an object. The empty, non-nil Extras keep the generator from writing
// true.
func anything() *invopop.Schema { return &invopop.Schema{Extras: map[string]any{}} }

// JSONSchemaExtend asks for at least one update and for a stock difference
// that is one.
func (ProductUpdates) JSONSchemaExtend(s *invopop.Schema) {
	s.MinProperties = atLeastOne()
	if delta, ok := s.Properties.Get("stock_delta"); ok {
		delta.Not = &invopop.Schema{Const: 0}
	}
}

// JSONSchemaExtend asks for at least one text.
func (SEO) JSONSchemaExtend(s *invopop.Schema) { s.MinProperties = atLeastOne() }
