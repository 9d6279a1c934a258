package sandbox

// usualSettings are the configuration keys every shop has. The ids of the
// order states are settings and not constants: a client has to read them.
var usualSettings = map[string]string{
	"PS_OS_CHEQUE": "1", "PS_OS_PAYMENT": "2", "PS_OS_PREPARATION": "3", "PS_OS_SHIPPING": "4", "PS_OS_DELIVERED": "5",
	"PS_OS_CANCELED": "6", "PS_OS_REFUND": "7", "PS_OS_ERROR": "8", "PS_OS_OUTOFSTOCK_PAID": "9", "PS_OS_BANKWIRE": "10",
	"PS_OS_WS_PAYMENT": "11", "PS_OS_OUTOFSTOCK_UNPAID": "12", "PS_OS_COD_VALIDATION": "13",
	"PS_SEARCH_INDEXATION": "1", "PS_MULTISHOP_FEATURE_ACTIVE": "0", "PS_LIMIT_UPLOAD_IMAGE_VALUE": "2",
	"PS_LANG_DEFAULT": "1", "PS_CURRENCY_DEFAULT": "1", "PS_COUNTRY_DEFAULT": "8", "PS_TIMEZONE": "Europe/Paris",
	"PS_WEBSERVICE": "1", "PS_ROOT_CATEGORY": "1", "PS_HOME_CATEGORY": "2", "PS_PRODUCT_SHORT_DESC_LIMIT": "800",
	"PS_STOCK_MANAGEMENT": "1", "PS_TAX": "1", "PS_VERSION_DB": Version, "PS_SHOP_ENABLE": "1",
}

// usualState is one of the 13 order states of a fresh shop (310).
type usualState struct {
	name, template, module, color                   string
	mail, invoice, logable, shipped, paid, delivery int
}

var usualStates = []usualState{
	{"Awaiting check payment", "cheque", "ps_checkpayment", "#34209E", 1, 0, 0, 0, 0, 0},
	{"Payment accepted", "payment", "", "#3498D8", 1, 1, 1, 0, 1, 0},
	{"Processing in progress", "preparation", "", "#3498D8", 1, 1, 1, 0, 1, 1},
	{"Shipped", "shipped", "", "#01B887", 1, 1, 1, 1, 1, 1},
	{"Delivered", "", "", "#01B887", 0, 1, 1, 1, 1, 1},
	{"Canceled", "order_canceled", "", "#2C3E50", 1, 0, 0, 0, 0, 0},
	{"Refunded", "refund", "", "#01B887", 1, 1, 0, 0, 0, 0},
	{"Payment error", "payment_error", "", "#E74C3C", 1, 0, 0, 0, 0, 0},
	{"On backorder (paid)", "outofstock", "", "#3498D8", 1, 1, 0, 0, 1, 0},
	{"Awaiting bank wire payment", "bankwire", "ps_wirepayment", "#34209E", 1, 0, 0, 0, 0, 0},
	{"Remote payment accepted", "payment", "", "#3498D8", 1, 1, 1, 0, 1, 0},
	{"On backorder (not paid)", "outofstock", "", "#34209E", 1, 0, 0, 0, 0, 0},
	{"Awaiting Cash On Delivery validation", "cashondelivery", "ps_cashondelivery", "#34209E", 0, 0, 0, 0, 0, 0},
}

// seedReference stores what every shop has before its first product.
func (d *database) seedReference(now string) {
	// The language of the request's context is read in another way than the
	// others, which shows in the types of its flags (317).
	d.of(languages).put(1, row{"name": "English (English)", "iso_code": "en", "locale": "en-US", "language_code": "en-us",
		"active": int64(1), "is_rtl": int64(0), "date_format_lite": "m/d/Y", "date_format_full": "m/d/Y H:i:s"})
	d.of(languages).put(2, row{"name": "Français (French)", "iso_code": "fr", "locale": "fr-FR", "language_code": "fr",
		"active": "1", "is_rtl": "0", "date_format_lite": "d/m/Y", "date_format_full": "d/m/Y H:i:s"})
	d.seed(currencies, 1, row{"name": "Euro", "names": texts{1: "Euro", 2: "Euro"}, "symbol": texts{1: "€", 2: "€"},
		"iso_code": "EUR", "numeric_iso_code": "978", "precision": int64(2), "conversion_rate": "1", "active": "1"})
	for i, s := range usualStates {
		pdf := 0
		if i == 1 {
			pdf = 1
		}
		d.seed(orderStates, i+1, row{"name": texts{1: s.name, 2: s.name}, "template": texts{1: s.template, 2: s.template},
			"send_email": str(s.mail), "module_name": s.module, "invoice": str(s.invoice), "color": s.color,
			"logable": str(s.logable), "shipped": str(s.shipped), "unremovable": "1", "delivery": str(s.delivery),
			"paid": str(s.paid), "pdf_invoice": str(pdf)})
	}
	for i, t := range []struct{ rate, name string }{{"20", "FR Taux standard (20%)"}, {"10", "FR Taux réduit (10%)"}} {
		d.seed(taxRuleGroups, i+1, row{"name": t.name, "active": "1", "date_add": now, "date_upd": now})
		label := "TVA FR " + t.rate + "%"
		d.seed(taxes, i+1, row{"rate": t.rate, "active": "1", "name": texts{1: label, 2: label}})
	}
}
