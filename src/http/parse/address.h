/* Addresses of clients, from sockets and from proxies' headers. */
#pragma once

#include "http/parse/head.h"

#include <sys/socket.h>

/* A peer's numeric address, with IPv4-mapped IPv6 as IPv4; "local" for a Unix socket. Free with g_free. */
char *http_address_text(const struct sockaddr *address);

/* The address by which connections are counted: an IPv6 customer has a whole /64. Free with g_free. */
char *http_address_share(const char *address);

/* The client as named by the last proxy, the only one whose statement can be trusted: the last element of all
 * X-Forwarded-For lines, otherwise `for` in the last element of all Forwarded lines (RFC 7239). Accepts "192.0.2.1",
 * "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711", also quoted. NULL if there is none, or it is not an
 * address; free with g_free. */
char *http_address_forwarded(const HttpHead *head);

/* "proto" or "host" in the same way: X-Forwarded-Proto or -Host, otherwise from the last Forwarded element. Free
 * with g_free. */
char *http_address_forwarded_parameter(const HttpHead *head, const char *name);
