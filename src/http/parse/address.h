/* Clients' addresses: of sockets, and as proxies forward them. */
#pragma once

#include "http/parse/head.h"

#include <sys/socket.h>

/* The numeric address of a peer, an IPv4 one mapped into IPv6 as IPv4; "local" for a Unix socket. Free with g_free. */
char *http_address_text(const struct sockaddr *address);

/* The address that shares are counted by: one customer of an IPv6 network has a /64. Free with g_free. */
char *http_address_share(const char *address);

/* The client as the last proxy names it, and so the only one that a trusted proxy vouches for: the last element of all
 * X-Forwarded-For lines, otherwise `for` of the last element of all Forwarded lines (RFC 7239). Takes "192.0.2.1",
 * "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711", also quoted. NULL when there is none, or it is no address;
 * free with g_free. */
char *http_address_forwarded(const HttpHead *head);

/* "proto" or "host" likewise: X-Forwarded-Proto or -Host, otherwise the last Forwarded element's. Free with g_free. */
char *http_address_forwarded_parameter(const HttpHead *head, const char *name);
