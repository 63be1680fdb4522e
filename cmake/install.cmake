# cmake --install: the program, the libraries with their headers and pkg-config files, the manual pages and the completions.
install(TARGETS program trimtab trimtab_serve_library)
if(MPI_FOUND)
  install(TARGETS trimtab_mpi DESTINATION ${CMAKE_INSTALL_LIBDIR}/trimtab)
endif()
install(FILES include/trimtab.h include/trimtab_serve.h TYPE INCLUDE)
install(FILES ${CMAKE_BINARY_DIR}/web/trimtab.html DESTINATION ${CMAKE_INSTALL_DATADIR}/trimtab)
# The prefix is told relative to the file's own place, since `cmake --install --prefix` may choose another one.
file(RELATIVE_PATH TRIMTAB_PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/+$" "" TRIMTAB_PREFIX_FROM_PC "${TRIMTAB_PREFIX_FROM_PC}")
set(PC_DESCRIPTION "Makes, measures and applies control vectors for language models")
foreach(PC_NAME trimtab trimtab-serve)
  configure_file(cmake/trimtab.pc.in ${CMAKE_BINARY_DIR}/${PC_NAME}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${PC_NAME}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  set(PC_DESCRIPTION "libtrimtab with a server in it")
endforeach()

# The program makes its own manual pages and completions from its option tables. A program for another machine cannot be
# asked; one that is built to be fuzzed need not.
if(NOT CMAKE_CROSSCOMPILING AND NOT TRIMTAB_FUZZ)
  set(pages ${CMAKE_BINARY_DIR}/man)
  set(completions ${CMAKE_BINARY_DIR}/completions)
  add_custom_command(OUTPUT ${pages}/trimtab.1 ${completions}/trimtab.bash ${completions}/_trimtab ${completions}/trimtab.fish
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${pages} ${completions}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${completions}
    COMMAND program man --output ${pages}
    COMMAND program completion bash > ${completions}/trimtab.bash
    COMMAND program completion zsh > ${completions}/_trimtab
    COMMAND program completion fish > ${completions}/trimtab.fish
    DEPENDS program COMMENT "Writing manual pages and completions" VERBATIM)
  add_custom_target(pages ALL DEPENDS ${pages}/trimtab.1)
  install(DIRECTORY ${pages}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
  install(FILES ${completions}/trimtab.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME trimtab)
  install(FILES ${completions}/_trimtab DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${completions}/trimtab.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
