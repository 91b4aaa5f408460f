sub vcl_recv {
    # No limit on the whole stream, nothing kept for slow readers, a leave is noticed at once.
    # HTTP/1.1 only.
    if (req.http.Accept ~ "text/event-stream") {
        return (pipe);
    }
}
sub vcl_backend_error {
    # Over HTTP/2: or a restart ends every page's EventSource.
    if (bereq.http.Accept ~ "text/event-stream") {
        set beresp.status = 200;
        set beresp.http.Content-Type = "text/event-stream";
        set beresp.http.Cache-Control = "no-cache";
        set beresp.ttl = 0s;
        set beresp.uncacheable = true;
        synthetic({"retry: 2000

"});
        return (deliver);
    }
}
