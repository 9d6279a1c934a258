package sandbox

// orders in the order of schema=synopsis (041).
var orders = described(orderResource)

func orderResource() *resource {
	id := "isUnsignedId"
	head := names("id_address_delivery", "id_address_invoice", "id_cart", "id_currency", "id_lang", "id_customer",
		"id_carrier", "current_state", "module", "invoice_number", "invoice_date", "delivery_number", "delivery_date",
		"valid", "date_add", "date_upd")
	head = append(head, text("shipping_number").derived())
	head = append(head, names("note", "id_shop_group", "id_shop", "secure_key", "payment", "recyclable", "gift",
		"gift_message", "mobile_theme")...)
	res := define("orders", "orders", "order", "Order", head,
		reference("id_address_delivery", "addresses").must(),
		reference("id_address_invoice", "addresses").must(),
		reference("id_cart", "carts").must(),
		reference("id_currency", "currencies").must(),
		integer("id_shop_group").as(id),
		integer("id_shop").as(id),
		reference("id_lang", "languages").must(),
		reference("id_customer", "customers").must(),
		reference("id_carrier", "carriers").must(),
		reference("current_state", "order_states"),
		text("secure_key").upTo(32).as("isMd5"),
		text("payment").upTo(255).as("isGenericName").must(),
		text("module").upTo(255).as("isModuleName").must(),
		flag("recyclable"),
		flag("gift"),
		text("gift_message").upTo(4194303).as("isCleanHtml"),
		flag("mobile_theme"),
		money("total_discounts"),
		money("total_discounts_tax_incl"),
		money("total_discounts_tax_excl"),
		money("total_paid").must(),
		money("total_paid_tax_incl"),
		money("total_paid_tax_excl"),
		money("total_paid_real").must(),
		money("total_products").must(),
		money("total_products_wt").must(),
		money("total_shipping"),
		money("total_shipping_tax_incl"),
		money("total_shipping_tax_excl"),
		decimalOf("carrier_tax_rate", 3).as("isFloat"),
		money("total_wrapping"),
		money("total_wrapping_tax_incl"),
		money("total_wrapping_tax_excl"),
		integer("round_mode").as(id),
		integer("round_type").as(id),
		decimalOf("conversion_rate", 6).as("isFloat").must(),
		integer("invoice_number"),
		integer("delivery_number"),
		field{name: "invoice_date", kind: kindDateTime},
		field{name: "delivery_date", kind: kindDateTime},
		field{name: "valid", kind: kindBool},
		text("reference").upTo(255),
		stamped("date_add"),
		stamped("date_upd"),
		text("note").upTo(4194303),
	)
	locked := func(name string) field { return text(name).locked() }
	res.associations = []association{{name: "order_rows", node: "order_row", virtual: true, fields: []field{
		integer("id"), integer("product_id").must().linked("products"), integer("product_attribute_id").must(),
		integer("product_quantity").must(), locked("product_name"), locked("product_reference"), locked("product_ean13"),
		locked("product_isbn"), locked("product_upc"), locked("product_price"),
		integer("id_customization").linked("customizations"), locked("unit_price_tax_incl"), locked("unit_price_tax_excl"),
	}}}
	return res
}

// orderDetails are the rows of orders (313).
var orderDetails = described(orderDetailResource)

func orderDetailResource() *resource {
	res := define("order_details", "order_details", "order_detail", "OrderDetail",
		names("id_order", "product_id", "product_attribute_id", "product_quantity_reinjected", "group_reduction",
			"discount_quantity_applied", "download_hash", "download_deadline"),
		reference("id_order", "orders").must(),
		integer("id_order_invoice").as("isUnsignedId"),
		integer("id_warehouse").as("isUnsignedId").must(),
		integer("id_shop").as("isUnsignedId").must(),
		reference("product_id", "products"),
		reference("product_attribute_id", "combinations"),
		integer("id_customization").as("isUnsignedId"),
		text("product_name").as("isGenericName").must(),
		integer("product_quantity").as("isInt").must(),
		integer("product_quantity_in_stock").as("isInt"),
		integer("product_quantity_return").as("isUnsignedInt"),
		integer("product_quantity_refunded").as("isUnsignedInt"),
		integer("product_quantity_reinjected").as("isUnsignedInt"),
		money("product_price").must(),
		decimalOf("reduction_percent", 2).as("isFloat"),
		money("reduction_amount"),
		money("reduction_amount_tax_incl"),
		money("reduction_amount_tax_excl"),
		decimalOf("group_reduction", 2).as("isFloat"),
		decimalOf("product_quantity_discount", 6).as("isFloat"),
		text("product_ean13").as("isGtin"),
		text("product_isbn").as("isIsbn"),
		text("product_upc").as("isUpc"),
		text("product_mpn").as("isMpn"),
		text("product_reference").as("isReference"),
		text("product_supplier_reference").as("isReference"),
		decimalOf("product_weight", 6).as("isFloat"),
		integer("tax_computation_method").as("isUnsignedId"),
		integer("id_tax_rules_group").as("isInt"),
		decimalOf("ecotax", 6).as("isFloat"),
		decimalOf("ecotax_tax_rate", 3).as("isFloat"),
		integer("discount_quantity_applied").as("isInt"),
		text("download_hash").as("isGenericName"),
		integer("download_nb").as("isInt"),
		field{name: "download_deadline", kind: kindDateTime, format: "isDateFormat"},
		money("unit_price_tax_incl"),
		money("unit_price_tax_excl"),
		money("total_price_tax_incl"),
		money("total_price_tax_excl"),
		money("total_shipping_price_tax_excl"),
		money("total_shipping_price_tax_incl"),
		money("purchase_supplier_price"),
		money("original_product_price"),
		money("original_wholesale_price"),
		money("total_refunded_tax_excl"),
		money("total_refunded_tax_incl"),
	)
	res.associations = []association{{name: "taxes", node: "tax", api: "taxes", fields: []field{integer("id")}}}
	res.forbidden = readOnlyHere
	return res
}

// orderHistories are the status changes of orders (040, 324).
var orderHistories = described(historyResource)

func historyResource() *resource {
	res := define("order_histories", "order_histories", "order_history", "OrderHistory",
		names("id_employee", "id_order_state", "id_order"),
		reference("id_order", "orders").must(),
		reference("id_order_state", "order_states").must(),
		reference("id_employee", "employees"),
		stamped("date_add"),
	)
	return res
}

// orderCarriers are the shipments of orders (043).
var orderCarriers = described(orderCarrierResource)

func orderCarrierResource() *resource {
	res := define("order_carriers", "order_carriers", "order_carrier", "OrderCarrier", nil,
		reference("id_order", "orders").must(),
		reference("id_carrier", "carriers").must(),
		reference("id_order_invoice", "order_invoices"),
		decimalOf("weight", 6).as("isFloat"),
		decimalOf("shipping_cost_tax_excl", 6).as("isFloat"),
		decimalOf("shipping_cost_tax_incl", 6).as("isFloat"),
		text("tracking_number").upTo(64).as("isTrackingNumber"),
		stamped("date_add"),
	)
	return res
}

var orderPayments = described(orderPaymentResource)

func orderPaymentResource() *resource {
	res := define("order_payments", "order_payments", "order_payment", "OrderPayment", nil,
		text("order_reference").upTo(255),
		reference("id_currency", "currencies").must(),
		decimalOf("amount", 6).as("isNegativePrice").must(),
		text("payment_method").as("isGenericName"),
		decimalOf("conversion_rate", 6).as("isFloat"),
		text("transaction_id"), text("card_number"), text("card_brand"), text("card_expiration"), text("card_holder"),
		stamped("date_add"),
		integer("id_employee").orNull(),
	)
	res.forbidden = readOnlyHere
	return res
}

var orderInvoices = described(orderInvoiceResource)

func orderInvoiceResource() *resource {
	res := define("order_invoices", "order_invoices", "order_invoice", "OrderInvoice", nil,
		reference("id_order", "orders").must(),
		integer("number").must(),
		integer("delivery_number"),
		field{name: "delivery_date", kind: kindDateTime},
		decimalOf("total_discount_tax_excl", 6), decimalOf("total_discount_tax_incl", 6),
		decimalOf("total_paid_tax_excl", 6), decimalOf("total_paid_tax_incl", 6),
		decimalOf("total_products", 6), decimalOf("total_products_wt", 6),
		decimalOf("total_shipping_tax_excl", 6), decimalOf("total_shipping_tax_incl", 6),
		integer("shipping_tax_computation_method"),
		decimalOf("total_wrapping_tax_excl", 6), decimalOf("total_wrapping_tax_incl", 6),
		text("shop_address"), text("note"),
		stamped("date_add"),
	)
	res.forbidden = readOnlyHere
	return res
}

// orderStates are the statuses an order can have (310, 311).
var orderStates = described(orderStateResource)

func orderStateResource() *resource {
	res := define("order_states", "order_states", "order_state", "OrderState", names("unremovable", "delivery", "hidden"),
		flag("send_email"), text("module_name"), flag("invoice"), text("color"), flag("logable"), flag("shipped"),
		flag("unremovable"), flag("delivery"), flag("hidden"), flag("paid"), flag("pdf_delivery"), flag("pdf_invoice"),
		flag("deleted"),
		translated("name", 64, "isGenericName").must(),
		translated("template", 64, "isTplName"),
	)
	res.forbidden = readOnlyHere
	return res
}
