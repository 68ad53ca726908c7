// Dispatch: a request through a router in memory, without a socket: how a command uses the routes
// of its own process.
//
//   Response answer = Dispatch(router, {.method = Method::kGet, .path = "/seaworthy/v1/jobs"});
//
// Waits for the answer, on whichever thread it is given. Slow routes run on the caller's thread.
// The caller is request.caller: nobody is asked for a key. Thread-safe.
#pragma once

#include "net/router.h"

namespace sw::net {

Response Dispatch(const Router& router, Request request);

}  // namespace sw::net
