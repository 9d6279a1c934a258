package schemas

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// sentence is what a kind of fault says, in English and in Chinese. Both take
// the same arguments in the same order.
type sentence struct{ keyword, en, zh string }

// The faults of bytes that are not one clean JSON object.
var (
	sayEmptyBody  = sentence{"empty", "nothing was sent; send one JSON object", "内容为空，请发送一个 JSON 对象"}
	saySyntax     = sentence{"json", "not valid JSON at byte %d: %s", "第 %d 字节处不是有效的 JSON：%s"}
	sayTrailing   = sentence{"trailing", "something follows the JSON object at byte %d; send exactly one object", "第 %d 字节处 JSON 对象之后还有内容，只能发送一个对象"}
	sayNotObject  = sentence{"top_level", "the top level must be one JSON object, not %s", "顶层必须是一个 JSON 对象，不能是%s"}
	sayUTF8       = sentence{"utf8", "contains bytes that are not UTF-8; encode the text as UTF-8", "含有非 UTF-8 字节，请使用 UTF-8 编码"}
	saySurrogate  = sentence{"surrogate", "contains half of a \\u surrogate pair; write both halves or the character itself", "含有不完整的 \\u 代理对，请写出完整字符"}
	sayNUL        = sentence{"nul", "contains the character \\u0000, which is not allowed", "不允许包含字符 \\u0000"}
	sayDuplicate  = sentence{"duplicate", "appears twice in this object; send it once", "在同一对象中重复出现，只能出现一次"}
	sayDepth      = sentence{"depth", "nested deeper than %d levels", "嵌套超过 %d 层"}
	sayNumber     = sentence{"number", "number too long: at most 40 characters, also when written without exponent, and exponents within 30", "数字过长：最多 40 个字符，指数不超过 30"}
	sayTooMany    = sentence{"size", "more than %d values; send a smaller request", "值的数量超过 %d，请缩小请求"}
	sayMoreFaults = sentence{"more", "%d more faults are not listed; correct these first", "另有 %d 处错误未列出，请先修正以上错误"}
)

// The faults of an object that does not fit its schema.
var (
	sayRequired    = sentence{"required", "required: must be given", "不可为空"}
	sayUnknown     = sentence{"additionalProperties", "unknown property; allowed here: %s", "未知字段；此处允许：%s"}
	sayLanguage    = sentence{"additionalProperties", "not a language iso code; write two lower-case letters such as en, fr, zh, or with a region zh-cn", "不是语言代码；请使用两个小写字母，如 en、fr、zh，或带地区的 zh-cn"}
	sayType        = sentence{"type", "must be %s, not %s", "必须是%s，不能是%s"}
	sayEnum        = sentence{"enum", "must be one of: %s", "必须是以下之一：%s"}
	sayNotZero     = sentence{"not", "must not be 0; leave it out to change nothing", "不能为 0；不修改时请省略"}
	sayMinimum     = sentence{"minimum", "must be at least %s", "不能小于 %s"}
	sayMaximum     = sentence{"maximum", "must be at most %s", "不能大于 %s"}
	sayEmptyText   = sentence{"minLength", "must not be empty", "不可为空"}
	sayMinLength   = sentence{"minLength", "must have at least %d characters, has %d", "至少 %d 个字符，现有 %d 个"}
	sayMaxLength   = sentence{"maxLength", "must have at most %d characters, has %d", "最多 %d 个字符，现有 %d 个"}
	sayPattern     = sentence{"pattern", "must match %s", "格式必须符合 %s"}
	sayFormat      = sentence{"format", "must be a valid %s", "必须是有效的 %s"}
	sayEmptyArray  = sentence{"minItems", "must not be empty; give at least 1 item", "不可为空"}
	sayMinItems    = sentence{"minItems", "must have at least %d items, has %d", "至少 %d 项，现有 %d 项"}
	sayMaxItems    = sentence{"maxItems", "must have at most %d items, has %d", "最多 %d 项，现有 %d 项"}
	sayUnique      = sentence{"uniqueItems", "repeats item %d; send each once", "与第 %d 项重复，每项只能出现一次"}
	sayEmptyObject = sentence{"minProperties", "must not be empty; give at least one of: %s", "不可为空；至少需要其中之一：%s"}
	sayMismatch    = sentence{"schema", "does not match the schema", "不符合格式要求"}
	sayNoSchema    = sentence{"schema", "no schema of this name; nothing is accepted", "没有对应的格式定义，不接受任何内容"}
)

// The faults a schema cannot express.
var (
	sayDecimals      = sentence{"decimals", "must have at most %d decimals, has %d", "最多 %d 位小数，现有 %d 位"}
	sayDigits        = sentence{"digits", "must have at most %d significant digits, has %d", "最多 %d 位有效数字，现有 %d 位"}
	sayReference     = sentence{"pattern", "must not contain any of <>;={}[]: PrestaShop refuses the first six and cannot search for brackets", "不能包含 <>;={}[] 中的任何字符：PrestaShop 会拒绝或无法检索"}
	sayBlankEdges    = sentence{"pattern", "must not begin or end with white space", "首尾不能有空白字符"}
	sayPlainText     = sentence{"pattern", "must not contain any of <>{}: PrestaShop refuses them here", "不能包含 <>{} 中的任何字符：PrestaShop 会拒绝"}
	saySameReference = sentence{"duplicate", "same reference as item %d (letter case and accents do not count); send each product once per batch", "与第 %d 项的 reference 相同（不区分大小写和重音），每批中每个商品只能出现一次"}
	sayRequestID     = sentence{"format", "must be a UUID version 4 such as f47ac10b-58cc-4372-a567-0e02b2c3d479; make a new one for each new intention", "必须是 UUID v4，例如 f47ac10b-58cc-4372-a567-0e02b2c3d479"}
)

// at makes the fault of a sentence at a JSON pointer.
func (s sentence) at(pointer string, args ...any) FieldError {
	return FieldError{Pointer: pointer, Keyword: s.keyword, Message: fill(s.en, args), zh: fill(s.zh, args)}
}

// worded is at with arguments that are words of their own in each language.
func (s sentence) worded(pointer string, words ...word) FieldError {
	var en, zh []any
	for _, w := range words {
		en, zh = append(en, w.en), append(zh, w.zh)
	}
	return FieldError{Pointer: pointer, Keyword: s.keyword, Message: fill(s.en, en), zh: fill(s.zh, zh)}
}

func fill(text string, args []any) string {
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Missing is the fault of a member, header or parameter that had to be given.
func Missing(pointer string) FieldError { return sayRequired.at(pointer) }

// Say is a fault of a field, parameter or header worded by another package in
// both languages.
func Say(pointer, keyword, en, zh string) FieldError {
	return FieldError{Pointer: pointer, Keyword: keyword, Message: en, zh: zh}
}

// Text is the sentence in the first language of an Accept-Language header or
// tag: Chinese for zh and its regions, else English.
func (e FieldError) Text(lang string) string {
	language := strings.ToLower(strings.TrimSpace(lang))
	if end := strings.IndexAny(language, "-_;,"); end >= 0 {
		language = language[:end]
	}
	if language != "zh" {
		return e.Message
	}
	return cmp.Or(e.zh, shortChinese[e.Keyword], e.Message)
}

// shortChinese words faults that carry no Chinese sentence: those made by
// another package and those read back from JSON.
var shortChinese = map[string]string{
	"required": "不可为空", "minLength": "不可为空或过短", "minItems": "不可为空或过少", "minProperties": "不可为空",
	"additionalProperties": "未知字段", "type": "类型不正确", "enum": "不是允许的值", "not": "不是允许的值",
	"pattern": "格式不正确", "format": "格式不正确", "json": "不是有效的 JSON", "minimum": "数值过小", "maximum": "数值过大",
	"maxLength": "过长", "maxItems": "项数过多", "uniqueItems": "重复", "duplicate": "重复", "decimals": "小数位过多", "digits": "有效数字过多",
}

// Equal compares what is on the wire; the Chinese sentence follows from it.
func (e FieldError) Equal(other FieldError) bool {
	return e.Pointer == other.Pointer && e.Keyword == other.Keyword && e.Message == other.Message
}

// word is an argument of a sentence that differs between the languages.
type word struct{ en, zh string }

var jsonTypes = map[string]word{
	"object":  {"an object", "对象"},
	"array":   {"an array", "数组"},
	"string":  {"a string", "字符串"},
	"number":  {"a number", "数字"},
	"integer": {"a whole number", "整数"},
	"boolean": {"true or false", "布尔值"},
	"null":    {"null", "null"},
}

// typeFault says what type is wanted and what was sent.
func typeFault(pointer string, want []string, got string) FieldError {
	var en, zh []string
	for _, name := range want {
		en, zh = append(en, jsonTypes[name].en), append(zh, jsonTypes[name].zh)
	}
	found := sent(got)
	if got == "number" && slices.Contains(want, "integer") {
		found = word{"a fraction", "小数"}
	}
	return sayType.worded(pointer, word{strings.Join(en, " or "), strings.Join(zh, "或")}, found)
}

// sent words a received type: what is wanted is "true or false", what came is
// one of them.
func sent(got string) word {
	if got == "boolean" {
		return word{"a boolean", "布尔值"}
	}
	return jsonTypes[got]
}
