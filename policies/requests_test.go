package policies

import "testing"

func TestDeletesAreRefused(t *testing.T) {
	for attack, in := range map[string]struct {
		in      Intention
		pointer string
	}{
		"the verb":                     {Intention{Method: "DELETE"}, ""},
		"the verb in lower case":       {Intention{Method: "delete "}, ""},
		"the verb on an unknown route": {Intention{Method: "Delete", Operation: ""}, ""},
		"an invented tool":             {Intention{Operation: "delete_product"}, ""},
		"an action":                    {write(t, `{"action":"delete"}`), "/action"},
		"an action in words":           {write(t, `{"action":"please DELETE_product"}`), "/action"},
		"an action in disguise":        {write(t, `{"action":"d\u0435l\u200bete"}`), "/action"},
		"a switch":                     {write(t, `{"product_id":1,"delete":true}`), "/delete"},
		"a switch as number":           {write(t, `{"isDeleted":1}`), "/isDeleted"},
		"a switch as text":             {write(t, `{"to_delete":"yes"}`), "/to_delete"},
		"a list of ids":                {write(t, `{"delete_products":[1,2]}`), "/delete_products"},
		"_method":                      {write(t, `{"_method":"DELETE"}`), "/_method"},
		"ps_method":                    {write(t, `{"ps_method":"DELETE"}`), "/ps_method"},
		"X-HTTP-Method-Override":       {write(t, `{"headers":{"X-HTTP-Method-Override":"DELETE"}}`), "/headers/X-HTTP-Method-Override"},
		"a JSON patch":                 {write(t, `[{"op":"remove"}]`), "/0/op"},
		"in French":                    {write(t, `{"supprimer":true}`), "/supprimer"},
		"purge":                        {write(t, `{"operation":"purge"}`), "/operation"},
		"glued":                        {write(t, `{"deleteproduct":true}`), "/deleteproduct"},
		"at depth":                     {write(t, `{"items":[{"options":{"hardDelete":true}}]}`), "/items/0/options/hardDelete"},
		"a date of deletion":           {write(t, `{"deleted_at":"2026-01-01"}`), "/deleted_at"},
		"an action in a list":          {write(t, `{"actions":["update","destroy"]}`), "/actions/1"},
		"in a read, too":               {Intention{Payload: map[string]any{"delete": true}}, "/delete"},
	} {
		t.Run(attack, func(t *testing.T) {
			got := (Book{}).CheckRaw(in.in)
			if len(got) != 1 || got[0].Rule != NoDeleteWithOrders || got[0].Pointer != in.pointer {
				t.Errorf("got %v, want %s at %q", got, NoDeleteWithOrders, in.pointer)
			}
		})
	}
}

func TestSynchronousWritesAreRefused(t *testing.T) {
	prefer := func(values ...string) Intention { return Intention{Write: true, Prefer: values} }
	for attack, c := range map[string]struct {
		in      Intention
		pointer string
	}{
		"Prefer: wait":                 {prefer("wait"), ""},
		"Prefer: wait=10":              {prefer("wait=10"), ""},
		"Prefer: wait, quoted":         {prefer(`Wait = "10"`), ""},
		"Prefer: behind respond-async": {prefer("respond-async, wait=10"), ""},
		"Prefer: second value":         {prefer("handling=strict", "respond-sync"), ""},
		"Prefer: with parameters":      {prefer("return=minimal; wait=5"), ""},
		"Prefer: mode=sync":            {prefer("mode=sync"), ""},
		"by verb on an unknown route":  {Intention{Method: "put", Prefer: []string{"wait=1"}}, ""},
		"sync":                         {write(t, `{"sync":true}`), "/sync"},
		"synchronous":                  {write(t, `{"options":{"synchronous":1}}`), "/options/synchronous"},
		"wait":                         {write(t, `{"wait":"yes"}`), "/wait"},
		"wait_seconds":                 {write(t, `{"wait_seconds":30}`), "/wait_seconds"},
		"waitForCompletion":            {write(t, `{"waitForCompletion":true}`), "/waitForCompletion"},
		"waitforcompletion":            {write(t, `{"waitforcompletion":true}`), "/waitforcompletion"},
		"blocking":                     {write(t, `{"blocking":true}`), "/blocking"},
		"async: false":                 {write(t, `{"async":false}`), "/async"},
		"async: 0":                     {write(t, `{"async":0}`), "/async"},
		"async: no":                    {write(t, `{"run_async":"no"}`), "/run_async"},
		"background: false":            {write(t, `{"background":false}`), "/background"},
		"mode":                         {write(t, `{"mode":"sync"}`), "/mode"},
		"mode, in words":               {write(t, `{"execution_mode":"Synchronous"}`), "/execution_mode"},
		"prefer field":                 {write(t, `{"prefer":"wait=10"}`), "/prefer"},
		"disguised":                    {write(t, `{"ｓｙｎｃ":true}`), "/ｓｙｎｃ"},
	} {
		t.Run(attack, func(t *testing.T) {
			got := (Book{}).CheckRaw(c.in)
			if len(got) != 1 || got[0].Rule != NoHeavySyncWrite || got[0].Pointer != c.pointer {
				t.Errorf("got %v, want %s at %q", got, NoHeavySyncWrite, c.pointer)
			}
		})
	}
	for _, in := range []Intention{
		prefer("respond-async"), prefer("wait=0"), prefer("return=minimal"), prefer(""), prefer("handling=lenient"),
		{Method: "GET", Prefer: []string{"wait=10"}},
	} {
		if got := broken(in); got != nil {
			t.Errorf("%+v breaks %v", in, got)
		}
	}
}

func TestSuccessIsNotForTheCallerToClaim(t *testing.T) {
	for _, payload := range []string{
		`{"business_success":true}`, `{"a":{"businessSuccess":false}}`, `{"BUSINESS-SUCCESS":null}`, `{"b\u200business_success":1}`,
	} {
		got := (Book{}).CheckRaw(write(t, payload))
		if len(got) != 1 || got[0].Rule != AcceptedIsNotSuccess || got[0].Pointer == "" {
			t.Errorf("%s: %v", payload, got)
		}
	}
}
