package schemas

// GetProduct asks for one product.
type GetProduct struct {
	ProductID int64 `json:"product_id" jsonschema:"minimum=1,maximum=4294967295"`
}

// GetOrder asks for one order.
type GetOrder struct {
	OrderID int64 `json:"order_id" jsonschema:"minimum=1,maximum=4294967295" jsonschema_description:"Not the order's reference."`
}

// GetJobStatus asks what became of an accepted write. WaitSeconds is how long
// the caller is ready to wait for a terminal state.
type GetJobStatus struct {
	JobID       string `json:"job_id" jsonschema:"format=uuid" jsonschema_description:"job_id from a write's answer."`
	WaitSeconds int    `json:"wait_seconds,omitempty" jsonschema:"minimum=0,maximum=30" jsonschema_description:"Wait up to this long for a terminal state."`
}

// UpdateProduct changes one product: price before tax, stock by a difference,
// search-engine texts. At least one of the three.
type UpdateProduct struct {
	ProductID int64          `json:"product_id" jsonschema:"minimum=1,maximum=4294967295"`
	Updates   ProductUpdates `json:"updates" jsonschema_description:"At least one."`
	Options   *UpdateOptions `json:"options,omitempty"`
}

// ProductUpdates holds what update_product changes; absent means untouched.
type ProductUpdates struct {
	PriceHT    *Money       `json:"price_ht,omitempty" jsonschema_description:"Price BEFORE tax, at most 6 decimals; tax-included prices are refused."`
	StockDelta *int64       `json:"stock_delta,omitempty" jsonschema:"minimum=-1000000,maximum=1000000" jsonschema_description:"Units to add (negative: remove), not an absolute quantity."`
	SEO        LocalizedSEO `json:"seo,omitempty" jsonschema_description:"By language iso code; what is left out stays as it is."`
}

// UpdateOptions are hints to update_product.
type UpdateOptions struct {
	SkipReindex bool `json:"skip_reindex,omitempty" jsonschema_description:"Hint; PrestaShop cannot honour it, the result says so."`
}

// SEO is one language's search-engine texts. Lengths in characters;
// meta_title is 128 because the shop's column cuts longer ones silently
// (recording 131).
type SEO struct {
	MetaTitle       *string `json:"meta_title,omitempty" jsonschema:"maxLength=128"`
	MetaDescription *string `json:"meta_description,omitempty" jsonschema:"maxLength=512"`
	LinkRewrite     *string `json:"link_rewrite,omitempty" jsonschema:"maxLength=128,pattern=^[_a-zA-Z0-9-]+$" jsonschema_description:"URL slug."`
}

// ImportProducts creates or updates 1 to 50 products found by reference.
// BatchID is the merchant's own name for the batch: the same batch again is
// the same job, whatever the request id.
type ImportProducts struct {
	BatchID string         `json:"batch_id" jsonschema:"maxLength=64,pattern=^[A-Za-z0-9._:-]+$" jsonschema_description:"Your name for the batch; sent again it returns the same job."`
	Items   []ImportItem   `json:"items" jsonschema:"minItems=1,maxItems=50"`
	Options *ImportOptions `json:"options,omitempty"`
}

// ImportItem is one product of a batch, keyed by its reference.
type ImportItem struct {
	Reference     string        `json:"reference" jsonschema:"minLength=1,maxLength=64" jsonschema_description:"Unique within the batch; no <>;={}[]."`
	Name          LocalizedName `json:"name" jsonschema_description:"By language iso code."`
	PriceHT       Money         `json:"price_ht" jsonschema_description:"Price BEFORE tax, at most 6 decimals."`
	StockQuantity int64         `json:"stock_quantity" jsonschema:"minimum=0,maximum=2147483647" jsonschema_description:"Absolute quantity."`
	Images        []string      `json:"images_to_download,omitempty" jsonschema:"maxLength=2048,maxItems=10,uniqueItems=true" jsonschema_description:"Public https URLs (gif, jpeg, png, webp)."`
	Active        *bool         `json:"active,omitempty" jsonschema_description:"Default: false for a new product, unchanged for an existing one."`
	SEO           LocalizedSEO  `json:"seo,omitempty"`
	Description   LocalizedText `json:"description,omitempty" jsonschema_description:"HTML by language iso code."`
}

// ImportOptions say what to do with known and unknown references. Absent
// pointers mean the default of the contract (CreateMissing, UpdateExisting).
type ImportOptions struct {
	CreateIfMissing  *bool `json:"create_if_missing,omitempty" jsonschema:"default=true"`
	UpdateIfExists   *bool `json:"update_if_exists,omitempty" jsonschema:"default=true"`
	SkipImagesErrors bool  `json:"skip_images_errors,omitempty" jsonschema:"default=false" jsonschema_description:"Import the product even when an image fails."`
}

// CreateMissing reports whether unknown references are created (default yes).
func (p ImportProducts) CreateMissing() bool {
	return p.Options == nil || p.Options.CreateIfMissing == nil || *p.Options.CreateIfMissing
}

// UpdateExisting reports whether known references are updated (default yes).
func (p ImportProducts) UpdateExisting() bool {
	return p.Options == nil || p.Options.UpdateIfExists == nil || *p.Options.UpdateIfExists
}

// SkipImageErrors reports whether a bad image leaves its item successful.
func (p ImportProducts) SkipImageErrors() bool {
	return p.Options != nil && p.Options.SkipImagesErrors
}

// UpdateOrderStatus moves an order to another state, optionally storing a
// tracking number first. No mail leaves unless NotifyCustomer is true.
type UpdateOrderStatus struct {
	OrderID        int64  `json:"order_id" jsonschema:"minimum=1,maximum=4294967295"`
	NewStatus      string `json:"new_status" jsonschema:"minLength=1,maxLength=64" jsonschema_description:"payment_accepted, processing, shipped, delivered, canceled, refunded, ... or the shop's own state name."`
	NotifyCustomer bool   `json:"notify_customer,omitempty" jsonschema:"default=false" jsonschema_description:"Send the shop's status mail; at most once."`
	TrackingNumber string `json:"tracking_number,omitempty" jsonschema:"maxLength=64,pattern=^[~:#\\,%&_=()\\[\\].? +@/a-zA-Z0-9-]+$"`
}
