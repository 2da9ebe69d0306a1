// net/http with promhttp: a counter and a histogram of the requests, by client_golang's middleware.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5}

func number(variable string) int {
	number, _ := strconv.Atoi(os.Getenv(variable))
	return number
}

func main() {
	page, err := os.ReadFile(os.Getenv("PAGE"))
	if err != nil {
		panic(err)
	}
	requests := promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "requests_total", Help: "Requests answered.",
	}, []string{"code"})
	latency := promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "request_latency_seconds", Help: "Time to an answer.", Buckets: buckets,
	}, nil)
	counters := promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "series_total", Help: "Many.",
	}, []string{"id"})
	for id := 0; id < number("SERIES"); id++ {
		counters.WithLabelValues(strconv.Itoa(id)).Add(float64(id))
	}
	histograms := promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "histogram_seconds", Help: "Many.", Buckets: buckets,
	}, []string{"id"})
	for id := 0; id < number("HISTOGRAMS"); id++ {
		histograms.WithLabelValues(strconv.Itoa(id)).Observe(0.3)
	}
	tree := http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "text/html; charset=utf-8")
		answer.Header().Set("Cache-Control", "no-store")
		answer.Write(page)
	})
	http.Handle("/treecounter", promhttp.InstrumentHandlerDuration(latency,
		promhttp.InstrumentHandlerCounter(requests, tree)))
	http.Handle("/metrics", promhttp.Handler())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	panic(http.Serve(listener, nil))
}
