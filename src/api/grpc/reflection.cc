#include "api/grpc/reflection.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <proto/reflection_v1.pb.h>
#include <proto/reflection_v1alpha.pb.h>

#include <algorithm>
#include <set>

#include "api/grpc/stream.h"
#include "base/errors.h"
#include "net/grpc.h"

namespace sw::grpc {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;

constexpr int kNotFound = 5;
constexpr int kUnimplemented = 12;

// The file and all that it imports, each once.
template <typename Files>
void AddFile(const FileDescriptor* file, std::set<std::string>& added, Files& files) {
  if (!added.insert(file->name()).second) return;
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  files.add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file->dependency_count(); ++i) AddFile(file->dependency(i), added, files);
}

// v1 and v1alpha differ in nothing but their package.
template <typename Request, typename Response>
void Answer(const Request& request, const std::vector<std::string>& services, Response& response) {
  *response.mutable_original_request() = request;
  response.set_valid_host(request.host());
  const DescriptorPool* pool = DescriptorPool::generated_pool();
  const auto fail = [&](int code, std::string message) {
    response.mutable_error_response()->set_error_code(code);
    response.mutable_error_response()->set_error_message(std::move(message));
  };
  const auto add_file = [&](const FileDescriptor* file, const std::string& name) {
    if (file == nullptr) return fail(kNotFound, "no file or symbol " + name);
    std::set<std::string> added;
    AddFile(file, added, *response.mutable_file_descriptor_response());
  };
  switch (request.message_request_case()) {
    case Request::kListServices:
      for (const std::string& service : services) response.mutable_list_services_response()->add_service()->set_name(service);
      return;
    case Request::kFileByFilename:
      return add_file(pool->FindFileByName(request.file_by_filename()), request.file_by_filename());
    case Request::kFileContainingSymbol:
      return add_file(pool->FindFileContainingSymbol(request.file_containing_symbol()), request.file_containing_symbol());
    case Request::kFileContainingExtension:
    case Request::kAllExtensionNumbersOfType: return fail(kNotFound, "no message here has extensions");
    default: return fail(kUnimplemented, "no such question");
  }
}

template <typename Request, typename Response>
net::Route ReflectionRoute(const base::Clock& clock, std::string path, std::shared_ptr<const std::vector<std::string>> services) {
  return Streaming<Request, Response>(clock, std::move(path), "", [services](const std::shared_ptr<Stream<Request, Response>>& stream) {
    AnswerEach(stream, [services](const Request& request, auto write) {
      Scratch<Response> response;
      Answer(request, *services, *response);
      write(*response);
    });
  });
}

}  // namespace

std::vector<std::string> ServicesOf(const std::vector<net::Route>& routes) {
  std::set<std::string> services;
  for (const net::Route& route : routes) {
    if (!route.is_grpc) continue;
    services.insert(route.pattern.substr(1, route.pattern.rfind('/') - 1));
  }
  return {services.begin(), services.end()};
}

std::vector<net::Route> ReflectionRoutes(const base::Clock& clock, std::vector<std::string> services) {
  for (const char* own : {"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}) services.emplace_back(own);
  std::ranges::sort(services);
  auto shared = std::make_shared<const std::vector<std::string>>(std::move(services));
  std::vector<net::Route> routes;
  routes.push_back(ReflectionRoute<::grpc::reflection::v1::ServerReflectionRequest, ::grpc::reflection::v1::ServerReflectionResponse>(
      clock, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", shared));
  routes.push_back(
      ReflectionRoute<::grpc::reflection::v1alpha::ServerReflectionRequest, ::grpc::reflection::v1alpha::ServerReflectionResponse>(
          clock, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", shared));
  return routes;
}

}  // namespace sw::grpc
