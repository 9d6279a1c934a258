package schemas

// LocalizedName is a product name by language iso code, 1 to 128 characters.
type LocalizedName map[string]string

// LocalizedText is free text by language iso code.
type LocalizedText map[string]string

// LocalizedSEO is search-engine texts by language iso code.
type LocalizedSEO map[string]SEO
