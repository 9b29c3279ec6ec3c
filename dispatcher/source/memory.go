package source

import (
	"net/http"
	"sync"
)

// memory keeps the newest documents that came with a validator, so that an
// unchanged one need not be sent again.
type memory struct {
	mu    sync.Mutex
	order []string // oldest first
	docs  map[string]*Response
}

const (
	maxDocuments = 16
	maxDocument  = 1 << 20
)

// key tells documents apart that one URL gives to different readers.
func key(req *http.Request) string {
	return req.Header.Get("Authorization") + " " + req.URL.String()
}

// condition asks the site to answer 304 if we have the document already.
func (m *memory) condition(req *http.Request) {
	doc := m.recall(req)
	if doc == nil {
		return
	}
	if tag := doc.Header.Get("ETag"); tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	if at := doc.Header.Get("Last-Modified"); at != "" {
		req.Header.Set("If-Modified-Since", at)
	}
}

func (m *memory) recall(req *http.Request) *Response {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs[key(req)]
}

func (m *memory) keep(req *http.Request, doc *Response) {
	valid := doc.Header.Get("ETag") != "" || doc.Header.Get("Last-Modified") != ""
	if doc.Status != http.StatusOK || !valid || len(doc.Body) > maxDocument {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.docs == nil {
		m.docs = make(map[string]*Response)
	}
	k := key(req)
	if m.docs[k] == nil {
		m.order = append(m.order, k)
	}
	m.docs[k] = doc
	if len(m.order) > maxDocuments {
		delete(m.docs, m.order[0])
		m.order = m.order[1:]
	}
}
