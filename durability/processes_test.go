package durability

func removeBuilt() {}
