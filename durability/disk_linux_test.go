package durability

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// smallDisk mounts a filesystem of a few megabytes, which only root may.
func smallDisk(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("no small disk can be mounted here (%v): a full disk is not tested", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes until nothing fits any more.
func fill(t testing.TB, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{64 << 10, 4 << 10, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(bytes.Repeat([]byte{'x'}, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

// TestFullDisk fills the disk under the embedded database. Writes are refused
// with an advice and leave nothing, jobs accepted before wait, polling answers;
// when there is room again everything goes on, once, without anybody's help.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	f := openShop(t)
	log := &logBook{}
	n := openNode(t, f, nodeOptions{database: "sqlite:" + filepath.Join(disk, "bridge.db"), log: log.logger()})
	var ids []string
	for product := 1; product <= 5; product++ {
		ids = append(ids, n.accept(t, bridge.OpUpdateProduct, priceChange(product, "3.33")))
	}
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	n.start(t)
	requestID, payload := uuid.NewString(), priceChange(6, "6.66")
	// What SQLite keeps beside its file may still have room for a few writes.
	var err error
	for range 500 {
		var answer bridge.Answer
		if answer, err = n.send(t.Context(), bridge.OpUpdateProduct, requestID, payload); err != nil {
			break
		}
		ids, requestID = append(ids, answer.Acceptance.JobID), uuid.NewString()
	}
	if fault := bridge.AsError(err); err == nil || fault.Code != bridge.CodeStoreUnavailable || fault.RetryAfter <= 0 {
		t.Fatalf("a write on a full disk: %v", err)
	}
	if left, err := n.store.Recall(t.Context(), writer.ClientID, requestID, ""); err != nil || left != nil {
		t.Errorf("the refused write left %+v, %v", left, err)
	}
	if job := n.job(t, ids[0]); job.ID != ids[0] {
		t.Error("polling")
	}
	before := log.count("level=WARN") + log.count("level=ERROR")
	pause := time.NewTimer(3 * time.Second) // the observation itself: how much is logged in that time
	<-pause.C
	if lines := log.count("level=WARN") + log.count("level=ERROR") - before; lines > 20 {
		t.Errorf("%d lines were logged in 3 s of a full disk; each fault is to be logged once:\n%.2000s", lines, log)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	var answer bridge.Answer
	await(t, 20*time.Second, "the write's acceptance", func() bool {
		answer, err = n.send(t.Context(), bridge.OpUpdateProduct, requestID, payload)
		return err == nil
	})
	ids = append(ids, answer.Acceptance.JobID)
	for _, job := range n.allEnd(t, 60*time.Second, ids...) {
		ended(t, job, schemas.Succeeded)
	}
	if effects := f.shop.Effects(); effects.Count(http.MethodPatch, "products", 6) != 1 || effects.Count(http.MethodPatch, "products", 1) != 1 || len(effects.Overlaps) > 0 {
		t.Errorf("writes %v", effects.Writes)
	}
}
