package sandbox

// The resources of this file describe the shop. Clients read them; all but the
// configurations are written by the catalogue alone.

var languages = described(func() *resource {
	return shown(define("languages", "languages", "language", "Language", nil,
		text("name"), text("iso_code"), text("locale"), text("language_code"), flag("active"), flag("is_rtl"),
		text("date_format_lite"), text("date_format_full"),
	))
})

var currencies = described(func() *resource {
	return shown(define("currencies", "currencies", "currency", "Currency", nil,
		translated("names", 255, "isGenericName"),
		text("name"), translated("symbol", 255, "isAnything"), text("iso_code"), text("numeric_iso_code"),
		integer("precision"), decimalOf("conversion_rate", 6), flag("deleted"), flag("active"), flag("unofficial"),
		flag("modified"), translated("pattern", 255, "isAnything"),
	))
})

// carriers in the order of (312).
var carriers = described(func() *resource {
	return shown(define("carriers", "carriers", "carrier", "Carrier", nil,
		flag("deleted"), flag("is_module"), reference("id_tax_rules_group", "tax_rule_groups"), integer("id_reference"),
		text("name"), flag("active"), flag("is_free"), text("url"), flag("shipping_handling"), flag("shipping_external"),
		flag("range_behavior"), integer("shipping_method"), integer("max_width"), integer("max_height"),
		integer("max_depth"), decimalOf("max_weight", 6), integer("grade"), text("external_module_name"),
		flag("need_range"), integer("position"), translated("delay", 512, "isGenericName"),
	))
})

// configurations can be changed, because an operator does so around a batch
// (PS_SEARCH_INDEXATION); keys are neither added nor removed.
var configurations = described(configurationResource)

func configurationResource() *resource {
	res := define("configurations", "configurations", "configuration", "Configuration", names("value"),
		text("name").must().upTo(254), integer("id_shop_group").orNull(), integer("id_shop").orNull(), text("value"),
		stamped("date_add"), stamped("date_upd"),
	)
	res.forbidden = []string{"POST", "DELETE"}
	return res
}

var taxRuleGroups = described(func() *resource {
	return shown(define("tax_rule_groups", "tax_rule_groups", "tax_rule_group", "TaxRulesGroup", nil,
		text("name"), flag("active"), flag("deleted"), stamped("date_add"), stamped("date_upd"),
	))
})

var taxes = described(func() *resource {
	return shown(define("taxes", "taxes", "tax", "Tax", nil,
		decimalOf("rate", 3), flag("active"), flag("deleted"), translated("name", 64, "isGenericName"),
	))
})

var customers = described(customerResource)

func customerResource() *resource {
	res := shown(define("customers", "customers", "customer", "Customer", nil,
		reference("id_default_group", "groups"), reference("id_lang", "languages"),
		field{name: "newsletter_date_add", kind: kindDateTime}, text("ip_registration_newsletter"),
		field{name: "last_passwd_gen", kind: kindDateTime}, text("secure_key"), flag("deleted"), text("passwd"),
		text("lastname"), text("firstname"), text("email"), integer("id_gender"),
		field{name: "birthday", kind: kindDate}, flag("newsletter"), flag("optin"), text("website"), text("company"),
		text("siret"), text("ape"), decimalOf("outstanding_allow_amount", 6), flag("show_public_prices"),
		integer("id_risk"), integer("max_payment_days"), flag("active"), text("note"), flag("is_guest"),
		integer("id_shop"), integer("id_shop_group"), stamped("date_add"), stamped("date_upd"),
		text("reset_password_token"), field{name: "reset_password_validity", kind: kindDateTime},
	))
	res.associations = []association{{name: "groups", node: "group", api: "groups", fields: []field{integer("id")}}}
	return res
}

var addresses = described(func() *resource {
	return shown(define("addresses", "addresses", "address", "Address", nil,
		reference("id_customer", "customers"), reference("id_manufacturer", "manufacturers"),
		reference("id_supplier", "suppliers"), reference("id_warehouse", "warehouse"), reference("id_country", "countries"),
		reference("id_state", "states"), text("alias"), text("company"), text("lastname"), text("firstname"),
		text("vat_number"), text("address1"), text("address2"), text("postcode"), text("city"), text("other"),
		text("phone"), text("phone_mobile"), text("dni"), flag("deleted"), stamped("date_add"), stamped("date_upd"),
	))
})

// specificPrices in the order of (723).
var specificPrices = described(func() *resource {
	return shown(define("specific_prices", "specific_prices", "specific_price", "SpecificPrice", nil,
		integer("id_shop_group"), integer("id_shop"), integer("id_cart"), integer("id_product"),
		integer("id_product_attribute"), integer("id_currency"), integer("id_country"), integer("id_group"),
		integer("id_customer"), integer("id_specific_price_rule"), decimalOf("price", 6), integer("from_quantity"),
		decimalOf("reduction", 6), integer("reduction_tax"), text("reduction_type"),
		field{name: "from", kind: kindDateTime}, field{name: "to", kind: kindDateTime},
	))
})

// shown marks a resource as one the webservice cannot write here.
func shown(res *resource) *resource {
	res.forbidden = readOnlyHere
	return res
}
