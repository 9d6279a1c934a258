package schemas

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Validate finds every fault of a document, ordered by pointer: what the
// schema refuses and what only a check can see. After the first hundred a last
// entry says how many more there are. Nil means the document may be decoded.
func (s Schema) Validate(doc Document) []FieldError {
	if s.validator == nil {
		return []FieldError{sayNoSchema.at("")}
	}
	v, err := s.validator()
	if err != nil { // Ready tells which; nothing passes a schema that is none
		return []FieldError{sayNoSchema.at("")}
	}
	if faults := v.overfull(doc.value); len(faults) > 0 {
		return faults
	}
	faults := v.mismatches(v.Validate(doc.Value()))
	for _, check := range s.checks {
		faults = append(faults, check(doc.value)...)
	}
	slices.SortStableFunc(faults, func(a, b FieldError) int {
		return cmp.Or(comparePointers(a.Pointer, b.Pointer), strings.Compare(a.Keyword, b.Keyword), strings.Compare(a.Message, b.Message))
	})
	if more := len(faults) - maxFaults; more > 0 {
		faults = append(faults[:maxFaults:maxFaults], sayMoreFaults.at("", more))
	}
	return faults
}

// overfull looks for top-level lists that are too long before anything walks
// them: 10 MB of broken items would cost a second of work to tell what the
// first look tells.
func (v validator) overfull(value any) []FieldError {
	members, _ := value.(map[string]any)
	var faults []FieldError
	for name, member := range v.Properties {
		if list, ok := members[name].([]any); ok && member.MaxItems != nil && len(list) > *member.MaxItems {
			faults = append(faults, sayMaxItems.at(pointerTo(name), *member.MaxItems, len(list)))
		}
	}
	return faults
}

// mismatches flattens the validator's tree of errors to its leaves.
func (v validator) mismatches(err error) []FieldError {
	var failed *santhosh.ValidationError
	if err == nil {
		return nil
	}
	if !errors.As(err, &failed) {
		return []FieldError{sayMismatch.at("")}
	}
	if len(failed.Causes) == 0 {
		return v.leaf(failed)
	}
	var faults []FieldError
	for _, cause := range failed.Causes {
		faults = append(faults, v.mismatches(cause)...)
	}
	return faults
}

// leaf words one schema keyword that failed. A missing or unknown member is
// reported at the member itself, because that is what the sender must touch.
func (v validator) leaf(failed *santhosh.ValidationError) []FieldError {
	here := pointerTo(failed.InstanceLocation...)
	switch k := failed.ErrorKind.(type) {
	case *kind.Required:
		return each(k.Missing, func(name string) FieldError { return Missing(here + pointerTo(name)) })
	case *kind.AdditionalProperties:
		return each(k.Properties, func(name string) FieldError { return v.unknown(here+pointerTo(name), failed.SchemaURL) })
	case *kind.Type:
		return []FieldError{typeFault(here, k.Want, k.Got)}
	case *kind.MinProperties:
		return []FieldError{v.emptyObject(here, failed.SchemaURL)}
	case *kind.UniqueItems:
		return []FieldError{sayUnique.at(here+pointerTo(strconv.Itoa(k.Duplicates[1])), k.Duplicates[0])}
	case *kind.Enum:
		return []FieldError{sayEnum.at(here, listed(k.Want))}
	case *kind.Format:
		return []FieldError{sayFormat.at(here, formatName(k.Want))}
	case *kind.Not:
		return []FieldError{sayNotZero.at(here)} // the only not of our schemas is {"const":0}
	}
	return []FieldError{bound(here, failed.ErrorKind)}
}

// bound words a value outside its limits.
func bound(here string, failed santhosh.ErrorKind) FieldError {
	switch k := failed.(type) {
	case *kind.Minimum:
		return sayMinimum.at(here, limit(k.Want))
	case *kind.Maximum:
		return sayMaximum.at(here, limit(k.Want))
	case *kind.Pattern:
		if k.Got == "" {
			return sayEmptyText.at(here)
		}
		return sayPattern.at(here, k.Want)
	case *kind.MinLength:
		if k.Got == 0 {
			return sayEmptyText.at(here)
		}
		return sayMinLength.at(here, k.Want, k.Got)
	case *kind.MaxLength:
		return sayMaxLength.at(here, k.Want, k.Got)
	case *kind.MinItems:
		if k.Got == 0 {
			return sayEmptyArray.at(here)
		}
		return sayMinItems.at(here, k.Want, k.Got)
	case *kind.MaxItems:
		return sayMaxItems.at(here, k.Want, k.Got)
	}
	return sayMismatch.at(here)
}

func (v validator) unknown(pointer, location string) FieldError {
	names, known := v.members[location]
	if !known {
		return sayLanguage.at(pointer)
	}
	return sayUnknown.at(pointer, strings.Join(names, ", "))
}

func (v validator) emptyObject(pointer, location string) FieldError {
	names, known := v.members[location]
	if !known {
		return sayEmptyObject.worded(pointer, word{"a language iso code such as en", "语言代码，如 en"})
	}
	return sayEmptyObject.at(pointer, strings.Join(names, ", "))
}

func each(names []string, fault func(string) FieldError) []FieldError {
	var faults []FieldError
	for _, name := range names {
		faults = append(faults, fault(name))
	}
	return faults
}

// limit spells a bound of a schema; ours are whole numbers.
func limit(bound *big.Rat) string { return bound.RatString() }

func listed(values []any) string {
	var words []string
	for _, value := range values {
		words = append(words, fmt.Sprint(value))
	}
	return strings.Join(words, ", ")
}

func formatName(name string) string {
	if name == "uuid" {
		return "UUID such as 550e8400-e29b-41d4-a716-446655440000"
	}
	return name
}
