/* Addresses of peers: between Python's (host, port) and the kernel's. Numbers only, so nothing is ever looked up. */
#include "native.h"

#include <arpa/inet.h>
#include <netdb.h>

int address_of(PyObject *peer, Address *out)
{
    const char *host;
    int port;
    char service[12];
    struct addrinfo *found;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};

    out->bytes = 0;
    if (peer == Py_None)
        return 0;
    if (!PyTuple_Check(peer) || !PyArg_ParseTuple(peer, "si;an address is (host, port)", &host, &port)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "an address is (host, port)");
        return -1;
    }
    if (port < 0 || port > 65535) {
        PyErr_SetString(PyExc_ValueError, "ports are 0-65535");
        return -1;
    }
    struct sockaddr_in *plain = (struct sockaddr_in *)&out->at;
    memset(&out->at, 0, sizeof out->at);
    if (inet_pton(AF_INET, host, &plain->sin_addr) == 1) { /* nearly always */
        plain->sin_family = AF_INET;
        plain->sin_port = htons((uint16_t)port);
        out->bytes = sizeof *plain;
        return 1;
    }
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return 0;
    int known = found->ai_addrlen <= sizeof out->at;
    if (known) {
        memcpy(&out->at, found->ai_addr, found->ai_addrlen);
        out->bytes = found->ai_addrlen;
    }
    freeaddrinfo(found);
    return known;
}

int address_equal(const Address *here, const struct sockaddr_storage *there)
{
    if (here->bytes == 0 || here->at.ss_family != there->ss_family)
        return 0;
    if (there->ss_family == AF_INET) {
        const struct sockaddr_in *one = (const struct sockaddr_in *)&here->at;
        const struct sockaddr_in *two = (const struct sockaddr_in *)there;
        return one->sin_port == two->sin_port && one->sin_addr.s_addr == two->sin_addr.s_addr;
    }
    if (there->ss_family == AF_INET6) {
        const struct sockaddr_in6 *one = (const struct sockaddr_in6 *)&here->at;
        const struct sockaddr_in6 *two = (const struct sockaddr_in6 *)there;
        return one->sin6_port == two->sin6_port && one->sin6_scope_id == two->sin6_scope_id &&
               memcmp(&one->sin6_addr, &two->sin6_addr, sizeof one->sin6_addr) == 0;
    }
    return 0;
}

PyObject *address_tuple(const struct sockaddr_storage *at, socklen_t bytes)
{
    char host[NI_MAXHOST], service[NI_MAXSERV];
    if (getnameinfo((const struct sockaddr *)at, bytes, host, sizeof host, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return Py_BuildValue("(si)", "", 0);
    return Py_BuildValue("(si)", host, atoi(service));
}
