module peer-go

go 1.23

require github.com/prometheus/client_golang v1.23.2
