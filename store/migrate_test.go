package store

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/prestashop-bridge/bridge/schemas"
)

func migrationFiles(t *testing.T, dialect string) []string {
	t.Helper()
	names, err := fs.Glob(migrations, "migrations/"+dialect+"/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("no migrations for %s: %v", dialect, err)
	}
	for i := range names {
		names[i] = path.Base(names[i])
	}
	return names
}

func TestMigrationsComeInPairs(t *testing.T) {
	mysql, sqlite := migrationFiles(t, "mysql"), migrationFiles(t, "sqlite")
	if diff := cmp.Diff(mysql, sqlite); diff != "" {
		t.Errorf("mysql and sqlite differ (-mysql +sqlite):\n%s", diff)
	}
	for _, name := range mysql {
		if !regexp.MustCompile(`^\d{5}_[a-z_]+\.sql$`).MatchString(name) {
			t.Errorf("%s is not named 00001_what.sql", name)
		}
	}
}

func TestMigratingTogether(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "mysql": mysqlURL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rig{T: t, url: url(t)}
			errs := make([]error, 4)
			together(4, func(i int) {
				s, err := Open(t.Context(), r.url, Options{})
				if err != nil {
					errs[i] = err
					return
				}
				if errs[i] = s.Migrate(t.Context()); errs[i] == nil {
					errs[i] = s.Close()
				}
			})
			for _, err := range errs {
				if err != nil {
					t.Error(err)
				}
			}
			s, err := Open(t.Context(), r.url, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Migrate(t.Context()); err != nil {
				t.Errorf("once more: %v", err)
			}
			version, err := s.Version(t.Context())
			if want, _ := newestMigration("migrations/" + name); version != want || want == 0 || err != nil {
				t.Errorf("version %d, %v; want %d", version, err, want)
			}
			r.Store = s
			if got := r.count("SELECT COUNT(*) FROM schema_version WHERE version_id = 1"); got != 1 {
				t.Errorf("the first migration ran %d times", got)
			}
		})
	}
}

// TestAMigrationCutShortIsTakenUpAgain: on MySQL each change of a table commits
// by itself, so a program that is killed in a migration leaves a part of it and
// no record. The next one meets what is there.
func TestAMigrationCutShortIsTakenUpAgain(t *testing.T) {
	r := newRig(t, mysqlURL(t))
	last := migrationFiles(t, "mysql")
	for version := len(last); version > 0; version-- {
		if err := r.exec("DELETE FROM schema_version WHERE version_id >= ?", version); err != nil {
			t.Fatal(err)
		}
		if err := r.Migrate(t.Context()); err != nil {
			t.Errorf("from %s on: %v", last[version-1], err)
		}
	}
}

// migratedTo is a database as an older version knows it.
func migratedTo(t *testing.T, url string, version int64) rig {
	t.Helper()
	r := rig{T: t, url: url, ahead: new(atomic.Int64)}
	r.Store = r.node()
	if err := r.withGoose(func(p *goose.Provider) error {
		_, err := p.UpTo(t.Context(), version)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRowsFromBeforeTheShops: what a version without shops has written belongs
// to the shop of the settings.
func TestRowsFromBeforeTheShops(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "mysql": mysqlURL} {
		t.Run(name, func(t *testing.T) {
			r := migratedTo(t, url(t), 4)
			for _, row := range []string{
				"INSERT INTO images (product_id, sha256, image_id) VALUES (7, 'sum', 9)",
				"INSERT INTO clients (id, secret_hash, old_hash, scopes, sealed_hmac, sealed_old, sources, created_at) VALUES ('old', '', '', '', '', '', '', 0)",
				`INSERT INTO jobs (id, kind, client_id, request_id, batch_id, status, payload, targets, attempts, max_attempts, fence, node, claimable_at, accepted_at, progress_done, progress_total)
					VALUES ('old', '', '', '', '', 'accepted', '{}', '[]', 0, 1, 0, '', 0, 0, 0, 0)`,
			} {
				if err := r.exec(row); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			if id, err := r.Images("").Image(t.Context(), 7, "sum"); id != 9 || err != nil {
				t.Errorf("image %d, %v", id, err)
			}
			if c, err := r.RegisteredClient(t.Context(), "old"); err != nil || c.Shop != "" {
				t.Errorf("%+v, %v", c, err)
			}
			if j := r.loaded("old"); j.Shop != "" {
				t.Errorf("the job is of %q", j.Shop)
			}
		})
	}
}

func TestVersionBeforeTheFirstMigration(t *testing.T) {
	s, err := Open(t.Context(), sqliteURL(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if version, err := s.Version(t.Context()); version != 0 || err != nil {
		t.Errorf("version %d, %v; want 0", version, err)
	}
}

// The CHECK of jobs.status lists what schemas.JobStatuses does: as written in
// the newest migration that has one, and as the database applies it.
func TestStatusesAreThoseOfTheSchema(t *testing.T) {
	var want []string
	for _, s := range schemas.JobStatuses {
		want = append(want, string(s))
	}
	slices.Sort(want)
	for _, dialect := range []string{"mysql", "sqlite"} {
		if diff := cmp.Diff(want, checkedStatuses(t, dialect)); diff != "" {
			t.Errorf("%s (-schema +check):\n%s", dialect, diff)
		}
	}
	onEach(t, func(r rig) {
		for _, status := range append(want, "paused", "Accepted", "accepted ", "") {
			err := r.exec(`INSERT INTO jobs (id, kind, client_id, request_id, batch_id, status, payload, targets, attempts, max_attempts,
				fence, node, claimable_at, accepted_at, progress_done, progress_total) VALUES (?, '', '', '', '', ?, '', '', 0, 1, 0, '', ?, 0, 0, 0)`,
				"job "+status, status, map[string]any{"accepted": 0, "processing": 0, "retrying": 0}[status])
			if known := slices.Contains(want, status); (err == nil) != known {
				r.Errorf("status %q: %v; want taken: %v", status, err, known)
			}
		}
	})
}

func checkedStatuses(t *testing.T, dialect string) (words []string) {
	t.Helper()
	check := regexp.MustCompile(`(?s)jobs_status CHECK \(status IN \((.*?)\)\)`)
	for _, name := range migrationFiles(t, dialect) {
		text, err := migrations.ReadFile("migrations/" + dialect + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if found := check.FindSubmatch(text); found != nil {
			words = words[:0]
			for word := range strings.SplitSeq(string(found[1]), ",") {
				words = append(words, strings.Trim(strings.TrimSpace(word), "'"))
			}
		}
	}
	slices.Sort(words)
	return words
}
