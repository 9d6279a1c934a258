package store
import ("testing";"time";"strconv";"fmt";"context")
func TestZZ(t *testing.T) {
	onEach(t, func(r rig) {
		r.T.Log("start")
		together(64, func(i int){ for k:=range 300 { j:=job("product:"+strconv.Itoa(i*300+k)); if i<4 {j=job("product:hot")}; if _,err:=r.Accept(context.Background(), j, someIntention); err!=nil {r.Error(err)} }})
		// half finished
		r.exec("UPDATE jobs SET status='succeeded', claimable_at=NULL WHERE id IN (SELECT id FROM (SELECT job_id AS id FROM job_targets WHERE target < 'product:5') x)")
		r.exec("DELETE FROM job_targets WHERE target < 'product:5'")
		if r.dialect.name=="mysql" { r.exec("ANALYZE TABLE jobs, job_targets, target_locks") } else {r.exec("ANALYZE")}
		for _, lim := range []int{1,100,1000} {
			s:=time.Now(); ids,err := r.Due(r.Context(), lim); fmt.Println(r.dialect.name, lim, len(ids), err, time.Since(s))
		}
		ids,_ := r.Due(r.Context(), 5)
		for _,id := range ids { s:=time.Now(); _,err:=r.Claim(r.Context(), id, "n", someLease); fmt.Println(r.dialect.name,"claim",err,time.Since(s)) }
		q := "EXPLAIN "; if r.dialect.name=="sqlite" {q="EXPLAIN QUERY PLAN "}
		rows,err := r.read.Query(q+"SELECT j.id FROM jobs j WHERE j.live = 1 AND j.claimable_at <= "+r.clock(r.now)+" AND "+unblocked+" ORDER BY j.id LIMIT 10")
		if err!=nil {t.Fatal(err)}
		defer rows.Close()
		cols,_ := rows.Columns()
		for rows.Next() { v:=make([]any,len(cols)); p:=make([]any,len(cols)); for i:=range v {p[i]=&v[i]}; rows.Scan(p...); for i:=range v { if b,ok:=v[i].([]byte);ok {v[i]=string(b)}}; fmt.Println(r.dialect.name, v) }
	})
}
