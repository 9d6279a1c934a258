package sandbox

// products is the resource the shop is about. Order, checks and lengths are
// those of schema=synopsis (039); the definition order is the one validation
// goes by.
var products = described(productResource)

func productResource() *resource {
	head := names("id_manufacturer", "id_supplier", "id_category_default")
	head = append(head, field{name: "new", kind: kindNone})
	head = append(head, names("cache_default_attribute")...)
	head = append(head,
		integer("id_default_image").derived().imageOf("products"),
		integer("id_default_combination").derived().linked("combinations"),
	)
	head = append(head, names("id_tax_rules_group")...)
	head = append(head,
		integer("position_in_category").derived(),
		text("manufacturer_name").derived().locked(),
		integer("quantity").derived().locked(),
		text("type").derived(),
	)
	res := define("products", "products", "product", "Product", head, productDefinition()...)
	res.associations = []association{
		{name: "categories", node: "category", api: "categories", fields: []field{integer("id").must()}},
		{name: "images", node: "image", api: "images", fields: []field{integer("id")}},
		{name: "combinations", node: "combination", api: "combinations", fields: []field{integer("id").must()}},
		{name: "product_option_values", node: "product_option_value", api: "product_option_values", fields: []field{integer("id").must()}},
		{name: "product_features", node: "product_feature", api: "product_features", fields: []field{
			integer("id").must(), integer("id_feature_value").must().linked("product_feature_values")}},
		{name: "tags", node: "tag", api: "tags", fields: []field{integer("id").must()}},
		{name: "stock_availables", node: "stock_available", api: "stock_availables", fields: []field{
			integer("id").must(), integer("id_product_attribute").must()}},
		{name: "attachments", node: "attachment", api: "attachments", fields: []field{integer("id").must()}},
		{name: "accessories", node: "product", api: "products", fields: []field{integer("id").must().linked("products")}},
		{name: "product_bundle", node: "product", api: "products", fields: []field{
			integer("id").must(), integer("id_product_attribute"), integer("quantity")}},
	}
	return res
}

func productDefinition() []field {
	var (
		id       = "isUnsignedId"
		count    = "isUnsignedInt"
		length   = "isUnsignedFloat"
		generic  = "isGenericName"
		longHTML = 4194303
	)
	return []field{
		integer("id_shop_default").as(id),
		reference("id_manufacturer", "manufacturers"),
		reference("id_supplier", "suppliers"),
		text("reference").upTo(64).as("isReference"),
		text("supplier_reference").upTo(64).as("isReference"),
		text("location").upTo(255).as("isString"),
		decimalOf("width", 6).as(length),
		decimalOf("height", 6).as(length),
		decimalOf("depth", 6).as(length),
		decimalOf("weight", 6).as(length),
		flag("quantity_discount"),
		text("ean13").upTo(14).as("isGtin"),
		text("isbn").upTo(32).as("isIsbn"),
		text("upc").upTo(12).as("isUpc"),
		text("mpn").upTo(40).as("isMpn"),
		flag("cache_is_pack"),
		flag("cache_has_attachments"),
		flag("is_virtual"),
		integer("state").as(id),
		integer("additional_delivery_times").as(id),
		translated("delivery_in_stock", 255, generic),
		translated("delivery_out_stock", 255, generic),
		text("product_type").as(generic).oneOf("standard", "pack", "virtual", "combinations", ""),
		reference("id_category_default", "categories"),
		reference("id_tax_rules_group", "tax_rule_groups"),
		flag("on_sale"),
		flag("online_only"),
		money("ecotax"),
		integer("minimal_quantity").as("isPositiveInt"),
		integer("low_stock_threshold").as("isInt").orNull(),
		flag("low_stock_alert"),
		money("price").must(),
		money("wholesale_price"),
		text("unity").upTo(255).as("isString"),
		money("unit_price"),
		decimalOf("unit_price_ratio", 6),
		money("additional_shipping_cost"),
		integer("customizable").as(count),
		integer("text_fields").as(count),
		integer("uploadable_files").as(count),
		flag("active"),
		text("redirect_type").as("isString"),
		integer("id_type_redirected").as(id),
		flag("available_for_order"),
		field{name: "available_date", kind: kindDate, format: "isDateFormat"},
		flag("show_condition"),
		text("condition").as(generic).oneOf("new", "used", "refurbished").otherwise("new"),
		flag("show_price"),
		flag("indexed"),
		text("visibility").as("isProductVisibility").oneOf("both", "catalog", "search", "none").otherwise("both"),
		integer("cache_default_attribute"),
		flag("advanced_stock_management"),
		stamped("date_add"),
		stamped("date_upd"),
		integer("pack_stock_type").as(count),
		translated("meta_description", 512, generic),
		// The column is narrower than the check (131).
		translated("meta_title", 255, generic).cutAt(128),
		translated("link_rewrite", 128, "isLinkRewrite"),
		translated("name", 128, "isCatalogName"),
		translated("description", longHTML, "isCleanHtml"),
		translated("description_short", longHTML, "isCleanHtml"),
		translated("available_now", 255, generic),
		translated("available_later", 255, "IsGenericName"),
	}
}

// combinations are the variants of a product (242, 244).
var combinations = described(combinationResource)

func combinationResource() *resource {
	res := define("combinations", "combinations", "combination", "Combination", names("id_product"),
		reference("id_product", "products").must(),
		text("ean13").upTo(14).as("isGtin"),
		text("isbn").upTo(32).as("isIsbn"),
		text("upc").upTo(12).as("isUpc"),
		text("mpn").upTo(40).as("isMpn"),
		text("reference").upTo(64).as("isReference"),
		text("supplier_reference").upTo(64).as("isReference"),
		decimalOf("wholesale_price", 6).as("isNegativePrice"),
		decimalOf("price", 6).as("isNegativePrice"),
		money("ecotax"),
		decimalOf("weight", 6).as("isFloat"),
		decimalOf("unit_price_impact", 6).as("isNegativePrice"),
		integer("minimal_quantity").as("isPositiveInt").must(),
		integer("low_stock_threshold").as("isInt").orNull(),
		flag("low_stock_alert"),
		flag("default_on"),
		field{name: "available_date", kind: kindDate, format: "isDateFormat"},
		translated("available_now", 255, "isGenericName"),
		translated("available_later", 255, "isGenericName"),
	)
	res.associations = []association{
		{name: "product_option_values", node: "product_option_value", api: "product_option_values", fields: []field{integer("id").must()}},
		{name: "images", node: "image", api: "images", fields: []field{integer("id")}},
	}
	res.forbidden = []string{"POST", "DELETE"}
	return res
}

// stockAvailables hold the quantity on sale, one row a product and one more
// for each of its combinations (042).
var stockAvailables = described(stockResource)

func stockResource() *resource {
	res := define("stock_availables", "stock_availables", "stock_available", "StockAvailable", nil,
		reference("id_product", "products").must(),
		reference("id_product_attribute", "combinations").must(),
		reference("id_shop", "shops"),
		reference("id_shop_group", "shop_groups"),
		integer("quantity").as("isInt").must().within32Bit(),
		flag("depends_on_stock").must(),
		integer("out_of_stock").as("isInt").must(),
		text("location").upTo(255).as("isString"),
	)
	res.forbidden = []string{"POST", "DELETE"}
	return res
}

var categories = described(categoryResource)

func categoryResource() *resource {
	head := append(names("id_parent", "level_depth"), integer("nb_products_recursive").derived().locked())
	res := define("categories", "categories", "category", "Category", head,
		integer("level_depth").as("isUnsignedInt").locked(),
		flag("active").must(),
		reference("id_parent", "categories"),
		integer("id_shop_default").as("isUnsignedId"),
		flag("is_root_category"),
		integer("position"),
		stamped("date_add"),
		stamped("date_upd"),
		translated("name", 128, "isCatalogName").must(),
		translated("link_rewrite", 128, "isLinkRewrite"),
		translated("description", 4194303, "isCleanHtml"),
		translated("additional_description", 4194303, "isCleanHtml"),
		translated("meta_title", 255, "isGenericName"),
		translated("meta_description", 512, "isGenericName"),
	)
	res.associations = []association{
		{name: "categories", node: "category", api: "categories", fields: []field{integer("id")}},
		{name: "products", node: "product", api: "products", fields: []field{integer("id")}},
	}
	res.forbidden = readOnlyHere
	return res
}
