package api

import "net/http"

func manual(mux *http.ServeMux, doc []byte) {}
