// Invoke: one invocation, from SageMaker's headers and body to its answer. Inside this room only.
//
//   Invoke(endpoints, wire::FindTarget(endpoints, "late"), request, responder);
//
// Thread-safe.
#pragma once

#include <string>

#include "api/wire/predict.h"
#include "base/result.h"
#include "net/http.h"
#include "net/responder.h"
#include "serve/endpoints.h"

namespace sw::sagemaker {

// Answers in the type that Accept names, else in `default_accept`, else as it was asked (libsvm by CSV).
// 415 for a Content-Type that is not read, 406 for an Accept that is not written.
void Invoke(serve::Endpoints& endpoints, const Result<wire::Target>& target, const net::Request& request,
            const net::Responder& responder, const std::string& default_accept = {});

// {"message": "..."} with the header that boto3 makes its exceptions of.
net::Response RenderError(int status, const Error& error);

}  // namespace sw::sagemaker
