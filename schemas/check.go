package schemas

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// unsearchable are the characters PrestaShop refuses in a reference
// (<>;={}) and those its list filter takes for its own syntax ([]): such a
// product could be created but never found again.
const unsearchable = "<>;={}[]"

// unprintable are the characters PrestaShop refuses in names and meta texts
// (recordings 133 and 135).
const unprintable = "<>{}"

// checkUpdates looks at the amounts and texts of an update_product.
func checkUpdates(payload map[string]any) []FieldError {
	updates, _ := payload["updates"].(map[string]any)
	faults := checkMoney(pointerTo("updates", "price_ht"), updates["price_ht"])
	return append(faults, checkSEO(updates["seo"], "updates", "seo")...)
}

// checkItems looks at the amounts and texts of an import_products.
func checkItems(payload map[string]any) []FieldError {
	var faults []FieldError
	items, _ := payload["items"].([]any)
	for i, item := range items {
		product, _ := item.(map[string]any)
		position := strconv.Itoa(i)
		faults = append(faults, checkReference(pointerTo("items", position, "reference"), product["reference"])...)
		faults = append(faults, checkMoney(pointerTo("items", position, "price_ht"), product["price_ht"])...)
		faults = append(faults, checkSEO(product["seo"], "items", position, "seo")...)
		names, _ := product["name"].(map[string]any)
		for language, name := range names {
			faults = append(faults, checkPlainText(pointerTo("items", position, "name", language), name)...)
		}
	}
	return faults
}

// SameReference folds a reference to what the shop compares: without regard to
// letter case, accents and spaces around it (recording 025, and the collation
// of its tables). Two that fold to the same text are one product.
func SameReference(reference string) string {
	unmarked := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(reference))
	return strings.TrimSpace(unmarked)
}

// checkReferences finds products that a batch names twice.
func checkReferences(payload map[string]any) []FieldError {
	var faults []FieldError
	first := map[string]int{}
	items, _ := payload["items"].([]any)
	for i, item := range items {
		product, _ := item.(map[string]any)
		reference, ok := product["reference"].(string)
		if !ok {
			continue
		}
		key := SameReference(reference)
		if earlier, twice := first[key]; twice {
			faults = append(faults, saySameReference.at(pointerTo("items", strconv.Itoa(i), "reference"), earlier))
			continue
		}
		first[key] = i
	}
	return faults
}

func checkRequestID(payload map[string]any) []FieldError {
	id, ok := payload["request_id"].(string)
	if !ok {
		return nil
	}
	if _, err := ParseRequestID(id); err != nil {
		return []FieldError{sayRequestID.at("/request_id")}
	}
	return nil
}

// checkMoney bounds decimals and digits. Both are counted in the canonical
// spelling, so 25.5000000 is the 25.5 it means.
func checkMoney(pointer string, value any) []FieldError {
	number, ok := value.(json.Number)
	if !ok {
		return nil
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(number.String(), "-"), ".")
	var faults []FieldError
	if len(fraction) > MaxPriceDecimals {
		faults = append(faults, sayDecimals.at(pointer, MaxPriceDecimals, len(fraction)))
	}
	digits := len(strings.TrimLeft(whole+fraction, "0"))
	if fraction == "" {
		digits = len(strings.Trim(whole, "0"))
	}
	if digits > MaxPriceDigits {
		faults = append(faults, sayDigits.at(pointer, MaxPriceDigits, digits))
	}
	return faults
}

func checkReference(pointer string, value any) []FieldError {
	reference, ok := value.(string)
	if !ok {
		return nil
	}
	var faults []FieldError
	if strings.ContainsAny(reference, unsearchable) {
		faults = append(faults, sayReference.at(pointer))
	}
	if strings.TrimSpace(reference) != reference {
		faults = append(faults, sayBlankEdges.at(pointer))
	}
	return faults
}

func checkPlainText(pointer string, value any) []FieldError {
	if text, ok := value.(string); ok && strings.ContainsAny(text, unprintable) {
		return []FieldError{sayPlainText.at(pointer)}
	}
	return nil
}

func checkSEO(value any, path ...string) []FieldError {
	var faults []FieldError
	languages, _ := value.(map[string]any)
	for language, entry := range languages {
		texts, _ := entry.(map[string]any)
		for _, member := range []string{"meta_title", "meta_description"} {
			pointer := pointerTo(path...) + pointerTo(language, member)
			faults = append(faults, checkPlainText(pointer, texts[member])...)
		}
	}
	return faults
}
