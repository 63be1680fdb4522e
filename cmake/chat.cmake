# trimtab-chat, the program that lays out conversations: src/chat/helper on llama.cpp's own chat code, which is compiled from
# the source that LLAMA_CPP_SOURCE names (a checkout, or an unpacked release; `dev` provides one). Its headers are those of the
# installed libllama. Without a source there is no such program: conversations are then laid out by named templates alone.
set(LLAMA_CPP_SOURCE "" CACHE PATH "llama.cpp's source, for its chat code")
if(TRIMTAB_FUZZ) # its targets do without
  return()
endif()
if(NOT LLAMA_CPP_SOURCE)
  message(WARNING "no LLAMA_CPP_SOURCE: trimtab-chat is not built, so models' own chat templates cannot be run")
  return()
endif()
if(NOT EXISTS ${LLAMA_CPP_SOURCE}/common/chat.h)
  message(FATAL_ERROR "LLAMA_CPP_SOURCE: there is no common/chat.h in ${LLAMA_CPP_SOURCE}")
endif()

enable_language(CXX)
set(chat_common ${LLAMA_CPP_SOURCE}/common)
file(GLOB chat_sources CONFIGURE_DEPENDS src/chat/helper/*.cpp)
file(GLOB chat_foreign ${chat_common}/chat*.cpp ${chat_common}/parsers/*.cpp ${chat_common}/jinja/*.cpp
  ${chat_common}/json.cpp ${chat_common}/json-schema.cpp ${chat_common}/json-schema-to-grammar.cpp
  ${chat_common}/peg-parser.cpp ${chat_common}/unicode.cpp ${chat_common}/log.cpp ${chat_common}/trie.cpp
  ${chat_common}/common.cpp)

# What build it is, which common.cpp asks for.
set(LLAMA_BUILD_NUMBER 0)
set(LLAMA_BUILD_COMMIT unknown)
set(BUILD_COMPILER "${CMAKE_CXX_COMPILER_ID}")
set(BUILD_TARGET "${CMAKE_SYSTEM_PROCESSOR}")
configure_file(${chat_common}/build-info.cpp.in ${CMAKE_BINARY_DIR}/chat/build-info.cpp @ONLY)

# "0.5.0": the version that the source gives itself.
file(STRINGS ${LLAMA_CPP_SOURCE}/CMakeLists.txt chat_version_lines REGEX "set\\(LLAMA_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE "[^0-9;]" "" chat_version "${chat_version_lines}")
string(REPLACE ";" "." chat_version "${chat_version}")

add_library(chat_foreign OBJECT ${chat_foreign} ${CMAKE_BINARY_DIR}/chat/build-info.cpp)
add_executable(chat_helper ${chat_sources})
set_target_properties(chat_helper PROPERTIES OUTPUT_NAME trimtab-chat)
foreach(target chat_foreign chat_helper)
  target_include_directories(${target} SYSTEM PRIVATE ${chat_common} ${LLAMA_CPP_SOURCE}/vendor)
  target_compile_features(${target} PRIVATE cxx_std_17)
  # A conversation takes a millisecond: what is saved while compiling counts for more than -O2 would.
  target_compile_options(${target} PRIVATE -O1 -g0 -ffunction-sections -fdata-sections)
  target_link_libraries(${target} PRIVATE PkgConfig::LLAMA)
endforeach()
target_compile_options(chat_foreign PRIVATE -w)
target_compile_options(chat_helper PRIVATE -Wall -Wextra -Wshadow $<$<BOOL:${TRIMTAB_WERROR}>:-Werror>)
target_compile_definitions(chat_helper PRIVATE CHAT_ENGINE_VERSION="${chat_version}")
# The time that a template is told is the one that it is asked to be rendered at: src/chat/helper/clock.cpp.
target_link_options(chat_helper PRIVATE -Wl,--gc-sections -Wl,--as-needed -Wl,-z,relro,-z,now
  "LINKER:--wrap=time" "LINKER:--wrap=_ZNSt6chrono3_V212system_clock3nowEv")
target_link_libraries(chat_helper PRIVATE chat_foreign)
target_compile_definitions(trimtab_core PRIVATE TRIMTAB_CHAT_ENGINE="${chat_version}")
add_dependencies(program chat_helper)
install(TARGETS chat_helper DESTINATION ${CMAKE_INSTALL_LIBDIR}/trimtab)
