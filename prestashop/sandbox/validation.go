package sandbox

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// validators are the checks of the shop by lower-case name. A name not in here
// accepts everything.
var validators = map[string]func(string) bool{
	"isunsignedid":        isUnsignedInt,
	"isunsignedint":       isUnsignedInt,
	"isint":               isInt,
	"ispositiveint":       func(s string) bool { return isInt(s) && intval(s) > 0 },
	"isbool":              matches(`^(0|1)$`),
	"isprice":             matches(`^[0-9]{1,10}(\.[0-9]{1,9})?$`),
	"isnegativeprice":     matches(`^-?[0-9]{1,10}(\.[0-9]{1,9})?$`),
	"isfloat":             isFloat,
	"isunsignedfloat":     func(s string) bool { return isFloat(s) && !strings.HasPrefix(s, "-") },
	"isreference":         matches(`^[^<>;={}]*$`),
	"isgenericname":       matches(`^[^<>={}]*$`),
	"iscatalogname":       matches(`^[^<>;=#{}]*$`),
	"islinkrewrite":       matches(`^[_a-zA-Z0-9\-]+$`),
	"isgtin":              matches(`^[0-9]{0,14}$`),
	"isisbn":              matches(`^[0-9-]{0,32}$`),
	"isupc":               matches(`^[0-9]{0,12}$`),
	"ismpn":               func(s string) bool { return utf8.RuneCountInString(s) <= 40 },
	"ismd5":               matches(`^[a-f0-9A-F]{32}$`),
	"ismodulename":        matches(`^[a-zA-Z0-9_-]+$`),
	"istplname":           matches(`^[a-zA-Z0-9_-]+$`),
	"isproductvisibility": matches(`(?i)^both|catalog|search|none$`),
	"istrackingnumber":    matches(`^[~:#,%&_=()\[\].? +\-@/a-zA-Z0-9]+$`),
	"isdate":              matches(`^[0-9]{4}-(0?[0-9]|1[0-2])-(0?[0-9]|[1-2][0-9]|3[01])( [0-9]{2}:[0-9]{2}:[0-9]{2})?$`),
	"isdateformat":        matches(`^[0-9]{4}-(0?[0-9]|1[0-2])-(0?[0-9]|[1-2][0-9]|3[01])`),
	"iscleanhtml":         isCleanHTML,
}

// pattern is compiled when it is first needed: a bridge without a sandbox must
// not start later for it.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// matches makes a check of a pattern. As in PHP, a pattern fails on a string
// that is not UTF-8, and a "$" lets one final line feed pass.
func matches(text string) func(string) bool {
	compiled := pattern(text)
	return func(s string) bool {
		re := compiled()
		return utf8.ValidString(s) && (re.MatchString(s) || strings.HasSuffix(s, "\n") && re.MatchString(s[:len(s)-1]))
	}
}

func isInt(s string) bool { return strconv.FormatInt(intval(s), 10) == s }

func isUnsignedInt(s string) bool {
	n := intval(s)
	return isInt(s) && n >= 0 && n <= math.MaxUint32
}

func isFloat(s string) bool {
	f, err := strconv.ParseFloat(s, 64)
	return err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// unclean is what the shop takes for a script, an event attribute or a frame.
var unclean = pattern(`(?is)<\s*script|script:|<\s*(i?frame|form|input|embed|object)|` +
	`on(mouse(down|move|up|over|out|enter|leave|wheel)|load|unload|focus(in|out)?|blur|change|` +
	`submit|(dbl)?click|key(down|up|press)|error|select|reset|abort|drag(drop|end|enter|leave|over|start)?|drop|` +
	`resize(start|end)?|activate|afterprint|move(start|end)?|copy|cut|paste|contextmenu|hashchange|input|message|` +
	`offline|online|readystatechange|scroll|search|selectstart|selectionchange|start|stop|finish)\s*=`)

// isCleanHTML refuses scripts, event attributes and frames (138).
func isCleanHTML(s string) bool { return !unclean().MatchString(s) }

// validate checks one value and gives the shop's message, or "" if it passes.
// It may replace an empty value by the field's default.
func (o *object) validate(f field, v any, required bool) (any, string) {
	property := o.res.class + "->" + f.name
	if required && f.required && (v == nil || v == "") {
		return v, fmt.Sprintf("Property %s is empty.", property)
	}
	if falsy(v) && f.fallback != "" {
		v = f.fallback
	}
	s := str(v)
	if len(f.allowed) > 0 && !among(s, f.allowed) {
		return v, fmt.Sprintf("Property %s has a bad value (allowed values are: %s).", property, strings.Join(f.allowed, ", "))
	}
	if limit := o.limit(f, s); limit > 0 && utf8.RuneCountInString(s) > limit {
		return v, fmt.Sprintf("The length of property %s is currently %d chars. It must be between 0 and %d chars.",
			property, utf8.RuneCountInString(s), limit)
	}
	if f.bounded && !fits32Bit(s) {
		return v, fmt.Sprintf("The range of property %s is currently %d. It must be between %d and %d.",
			property, intval(s), math.MinInt32, math.MaxInt32)
	}
	check := validators[strings.ToLower(f.format)]
	if check != nil && !falsy(v) && !check(s) {
		return v, fmt.Sprintf("Property %s is not valid", property)
	}
	return v, ""
}

func among(s string, allowed []string) bool {
	for _, a := range allowed {
		if a == s {
			return true
		}
	}
	return false
}

// fits32Bit compares as PHP does: a text that is no number is compared letter
// by letter with the limit and mostly fails, as a number of 0 (224).
func fits32Bit(s string) bool {
	if f, err := strconv.ParseFloat(strings.Trim(s, " \t\n\r"), 64); err == nil {
		return f >= math.MinInt32 && f <= math.MaxInt32
	}
	return s >= strconv.Itoa(math.MinInt32) && s <= strconv.Itoa(math.MaxInt32)
}

var tags = pattern(`<[^>]*>`)

// shortDescription is the length limit of a short description without markup.
const shortDescription = 800

// limit is the greatest length of a value. For the short description only the
// text counts, so the markup is added to the limit (139).
func (o *object) limit(f field, s string) int {
	if o.res != products || f.name != "description_short" {
		return f.max
	}
	plain := strings.NewReplacer("\r", "", "\n", "").Replace(tags().ReplaceAllString(s, ""))
	return shortDescription + utf8.RuneCountInString(s) - utf8.RuneCountInString(plain)
}

// validateTexts checks the translated fields, the default language first to
// last; the first fault is the only one reported (155).
func (o *object) validateTexts(defaultLanguage int) string {
	for _, f := range o.res.checks {
		if !f.lang {
			continue
		}
		values, ok := o.values[f.name].(texts)
		if !ok {
			values = texts{defaultLanguage: str(o.values[f.name])}
		}
		if _, ok := values[defaultLanguage]; !ok {
			if _, message := o.validate(f, "", true); message != "" {
				return message
			}
		}
		for _, id := range sortedKeys(values) {
			if _, message := o.validate(f, values[id], id == defaultLanguage); message != "" {
				return message
			}
		}
	}
	return ""
}

// validateFields checks the fields without languages.
func (o *object) validateFields() string {
	for _, f := range o.res.checks {
		if f.lang {
			continue
		}
		v, message := o.validate(f, o.values[f.name], true)
		if message != "" {
			return message
		}
		o.values[f.name] = v
	}
	return ""
}
